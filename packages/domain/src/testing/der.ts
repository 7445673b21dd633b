import { concat } from '@vouchsafe/bytes/hex';

/** One value in DER: identifier octet, shortest length, contents. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const value = concat(...contents);
  return concat(Uint8Array.of(tag), lengthOf(value.length), value);
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return Uint8Array.of(0x80 | octets.length, ...octets);
}

export const sequence = (...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => der(0x30, ...contents);
export const integer = (...octets: readonly number[]): Uint8Array<ArrayBuffer> => der(2, Uint8Array.from(octets));
export const boolean = (value: boolean): Uint8Array<ArrayBuffer> => der(1, Uint8Array.of(value ? 0xff : 0));
export const bits = (octets: Uint8Array): Uint8Array<ArrayBuffer> => der(3, Uint8Array.of(0), octets);
export const octetString = (...contents: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => der(4, ...contents);
export const nothing = der(5);

/** An object identifier from dotted decimals. */
export function oid(dotted: string): Uint8Array<ArrayBuffer> {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(6, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(arc: number): number[] {
  const octets = [arc % 128];
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) octets.unshift((left % 128) | 0x80);
  return octets;
}

const text = (value: string) => new TextEncoder().encode(value);

/** A string in UTF-8, or with the tag of another kind. */
export const string = (value: string, tag = 0x0c): Uint8Array<ArrayBuffer> => der(tag, text(value));

/** A GeneralizedTime; `seconds` since 1970. */
export const time = (seconds: number): Uint8Array<ArrayBuffer> => {
  const digits = new Date(seconds * 1000).toISOString().replace(/[-:T]|\.\d+/g, '');
  return seconds < Date.UTC(2050, 0) / 1000 ? der(0x17, text(digits.slice(2))) : der(0x18, text(digits));
};

/** A list of bits as KeyUsage has it: bit 0 first, no bits after the last one that is set. */
export function namedBits(set: readonly number[]): Uint8Array<ArrayBuffer> {
  const length = Math.max(-1, ...set) + 1;
  const octets = new Uint8Array(Math.ceil(length / 8));
  for (const bit of set) octets[bit >> 3]! |= 0x80 >> (bit & 7);
  return der(3, Uint8Array.of((8 - (length % 8)) % 8), octets);
}
