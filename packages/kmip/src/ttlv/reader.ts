import { TtlvError, type TtlvFault } from '../error.ts';
import { limits, type TtlvLimits } from '../limits.ts';
import { tagName } from '../tags.ts';
import { lastOfMajor1, type Rank } from './vocabulary.ts';

/** How octets are read. */
export interface ReadOptions {
  /** Fields that a structure does not know are skipped. Default false. */
  readonly lenient?: boolean;
  /** The version that they are in; a message says so itself. Default 1.4. */
  readonly rank?: Rank;
  /**
   * The octets may be read again: secrets are copied, and whoever holds the octets wipes them. Default false: secrets
   * are moved out of the octets.
   */
  readonly again?: boolean;
  /** What the octets may hold. Default `limits`. */
  readonly limits?: TtlvLimits;
}

/** What is read from: octets that `check` went through, and the path to the item being read. */
export class TtlvReader {
  readonly bytes: Buffer;
  /** Fields that a structure does not know are skipped: the peer speaks another minor version (KMIP 1.4, 11.1). */
  readonly lenient: boolean;
  /** Secrets stay where they stand. */
  readonly again: boolean;
  readonly limits: TtlvLimits;
  /** The version whose words the octets are read as. */
  rank: Rank;
  readonly #path: number[] = [];

  constructor(bytes: Uint8Array, options: ReadOptions = {}) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.lenient = options.lenient ?? false;
    this.again = options.again ?? false;
    this.limits = options.limits ?? limits;
    this.rank = options.rank ?? lastOfMajor1;
  }

  /** Begins at the top again, after an item inside was read or refused on its own. */
  restart(): void {
    this.#path.length = 0;
  }

  enter(tag: number): void {
    this.#path.push(tag);
  }

  leave(): void {
    this.#path.pop();
  }

  fail(fault: TtlvFault, tag: number, offset: number, reason: string): never {
    throw new TtlvError(fault, [...this.#path, tag].map(tagName).join('.'), offset, reason);
  }
}
