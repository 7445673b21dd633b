import { EncodeError } from '@vouchsafe/bytes/writer';
import { type TagName, tags } from '../tags.ts';
import { check, uint24, uint32, wrongType } from './check.ts';
import { type ReadOptions, TtlvReader } from './reader.ts';
import type { Rank } from './vocabulary.ts';
import { TtlvWriter } from './writer.ts';

/** Whether a version has the words for a value; a method, so that it takes less than it is asked for. */
export type Fits<T> = { bivariant(value: T, rank: Rank): boolean }['bivariant'];

/** How an item stands in TTLV: one declaration gives reader, writer, type and error path. */
export interface Item<T> {
  readonly name: TagName;
  readonly tag: number;
  /** The code of its type; 0 when the item accepts several and looks itself. */
  readonly type: number;
  /** Every tag that it may stand under, when there are several. */
  readonly tags?: readonly number[] | undefined;
  /** Reads the value at `at`; tag, type and all lengths were checked. */
  read(reader: TtlvReader, at: number, length: number): T;
  /** Writes header and value. */
  write(writer: TtlvWriter, value: T): void;
  /** Whether a version has the words for the value; every version does when this is left out. */
  readonly fits?: Fits<T> | undefined;
  /** Whether a version has the words for all values, so that `fits` need not be asked. */
  readonly fitsAll?: ((rank: Rank) => boolean) | undefined;
}

/** The type of the values of an item. */
export type ValueOf<I> = I extends Item<infer T> ? T : never;

/** What an item's declaration says apart from its tag. */
export interface Body<T> {
  readonly type: number;
  read(reader: TtlvReader, at: number, length: number, tag: number): T;
  write(writer: TtlvWriter, tag: number, value: T): void;
  readonly fits?: Fits<T> | undefined;
  readonly fitsAll?: ((rank: Rank) => boolean) | undefined;
}

/** An item of a tag. */
export function item<T>(name: TagName, body: Body<T>): Item<T> {
  const tag = tags[name];
  return {
    name,
    tag,
    type: body.type,
    read: (reader, at, length) => body.read(reader, at, length, tag),
    write: (writer, value) => body.write(writer, tag, value),
    // Always there, so that all items have one shape, which is what makes reading them fast.
    tags: undefined,
    fits: body.fits,
    fitsAll: body.fitsAll,
  };
}

/**
 * Decodes octets that are exactly this item.
 * @throws {TtlvError} when they are not
 */
export function decodeItem<T>(of: Item<T>, bytes: Uint8Array, options: ReadOptions = {}): T {
  check(bytes, options.limits);
  return readChecked(of, new TtlvReader(bytes, options), 0);
}

/** Reads the item whose header stands at `at`, out of octets that `check` went through. */
export function readChecked<T>(of: Item<T>, reader: TtlvReader, at: number): T {
  const tag = uint24(reader.bytes, at);
  if (tag !== of.tag && !of.tags?.includes(tag)) reader.fail('malformed', tag, at, `expected ${of.name}`);
  const type = reader.bytes[at + 3]!;
  if (of.type !== 0 && type !== of.type) reader.fail('malformed', tag, at, wrongType(of.type, type));
  return of.read(reader, at + 8, uint32(reader.bytes, at + 4));
}

const shared = new TtlvWriter();
let busy = false;

/**
 * Encodes an item, in the words of 1.4 when no version is given; a message says its version itself.
 * @throws {EncodeError} when the value does not fit its declaration
 */
export function encodeItem<T>(of: Item<T>, value: T, rank?: Rank): Buffer<ArrayBuffer> {
  if (busy) throw new EncodeError(`${of.name}: an item is being encoded already`);
  busy = true;
  try {
    if (rank !== undefined) shared.rank = rank;
    of.write(shared, value);
    return shared.finish();
  } finally {
    shared.reset();
    busy = false;
  }
}
