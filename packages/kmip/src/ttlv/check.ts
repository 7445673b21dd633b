import { isUtf8 } from 'node:buffer';
import { TtlvError } from '../error.ts';
import { limits, type TtlvLimits } from '../limits.ts';
import { tagName } from '../tags.ts';
import { byCode, itemTypes, typeName } from './item-type.ts';

const { Structure, Boolean: Bool, 'Text String': Text, 'Big Integer': Big } = itemTypes;

/** An unsigned 32-bit number at an offset. */
export const uint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/** The tag at an offset. */
export const uint24 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;

/** A length rounded up to whole units of eight octets. */
export const padded = (length: number): number => (length + 7) & ~7;

/**
 * Checks that bytes are exactly one item, and every item inside it as well (KMIP 1.4, 9.1.1): tags, types, lengths,
 * padding, booleans, text. After this, readers may trust all lengths.
 *
 * The pass is linear, keeps no objects and does not recurse, so that depth and size of hostile input cost nothing.
 * @throws {TtlvError} naming the first item that is wrong
 */
export function check(bytes: Uint8Array, most: TtlvLimits = limits): void {
  const stack: Open[] = [];
  let end = bytes.length;
  let at = 0;
  let items = 0;
  do {
    if (++items > most.items) fail(stack, at, `more than ${most.items} items`);
    if (end - at < 8) fail(stack, at, `need 8 bytes for the header of an item, ${end - at} left`);
    const tag = uint24(bytes, at);
    const first = bytes[at]!;
    if (first !== 0x42 && first !== 0x54) fail(stack, at, `no tag: expected 42xxxx or 54xxxx, found ${tagName(tag)}`);
    const type = bytes[at + 3]!;
    const length = uint32(bytes, at + 4);
    const body = at + 8;
    checkLength(stack, at, tag, type, length, end - body);
    if (type === Structure.code) {
      if (stack.length === most.depth) fail(stack, at, `more than ${most.depth} structures inside one another`);
      stack.push({ tag, end });
      end = body + length;
      at = body;
    } else {
      if (type === Text.code && length > most.text)
        fail(stack, body, `text of ${length} bytes, limit ${most.text}`, tag);
      checkValue(stack, bytes, tag, type, body, length);
      at = body + padded(length);
    }
    while (at === end && stack.length > 0) end = stack.pop()!.end;
  } while (stack.length > 0);
  if (at < bytes.length) fail(stack, at, `${bytes.length - at} bytes too many`);
}

/** A structure that is being walked, with the end of what stands around it. */
interface Open {
  readonly tag: number;
  readonly end: number;
}

function checkLength(stack: Open[], at: number, tag: number, type: number, length: number, left: number): void {
  const facts = byCode[type];
  if (facts === undefined) fail(stack, at, `no such item type: 0x${type.toString(16).padStart(2, '0')}`, tag);
  if (facts.length !== undefined && length !== facts.length)
    fail(stack, at, `${facts.name} of ${length} bytes, expected ${facts.length}`, tag);
  if (facts.multiple !== undefined && length % facts.multiple !== 0)
    fail(stack, at, `${facts.name} of ${length} bytes, expected a multiple of ${facts.multiple}`, tag);
  if (type === Big.code && length === 0) fail(stack, at, 'Big Integer of 0 bytes', tag);
  if (length > left || padded(length) > left) fail(stack, at, `need ${length} bytes and padding, ${left} left`, tag);
}

function checkValue(stack: Open[], bytes: Uint8Array, tag: number, type: number, at: number, length: number): void {
  for (let pad = at + length; pad < at + padded(length); pad++)
    if (bytes[pad] !== 0) fail(stack, pad, 'padding is not zero', tag);
  if (type === Text.code) checkText(stack, bytes, tag, at, length);
  if (type === Bool.code && (uint32(bytes, at) !== 0 || uint32(bytes, at + 4) > 1))
    fail(stack, at, 'Boolean is neither 0 nor 1', tag);
}

/** UTF-8 without NUL; a NUL is what a peer shows that counts padding as text. */
function checkText(stack: Open[], bytes: Uint8Array, tag: number, at: number, length: number): void {
  let high = 0;
  for (let i = at; i < at + length; i++) {
    if (bytes[i] === 0) fail(stack, i, 'NUL in text', tag);
    high |= bytes[i]!;
  }
  if (high >= 0x80 && !isUtf8(bytes.subarray(at, at + length))) fail(stack, at, 'text is not UTF-8', tag);
}

function fail(stack: readonly Open[], offset: number, reason: string, tag?: number): never {
  const path = [...stack.map((open) => open.tag), ...(tag === undefined ? [] : [tag])].map(tagName);
  throw new TtlvError('malformed', path.join('.') || 'message', offset, reason);
}

/** Refuses an item of another type than its declaration says. */
export const wrongType = (expected: number, found: number): string =>
  `expected ${typeName(expected)}, found ${typeName(found)}`;
