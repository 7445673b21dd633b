import { hex } from '@vouchsafe/bytes/hex';
import { enumerations, masks } from '../enums.ts';
import { type TagName, tagName } from '../tags.ts';
import { check, padded, uint24, uint32 } from './check.ts';
import { byCode, type ItemTypeName, itemTypes } from './item-type.ts';

/** An item as plain data: what `JSON.stringify` prints, with nothing secret in it. */
export interface DescribedItem {
  readonly tag: string;
  readonly type: ItemTypeName;
  readonly value: string | number | boolean | readonly DescribedItem[];
}

/**
 * Items whose value is never shown, nor anything inside it: keys, what opens them, and what stands in clear before it is
 * encrypted or after it was decrypted. Data says the same whether it is clear or not: it is never shown.
 */
const hidden: ReadonlySet<string> = new Set<TagName>([
  'Key Material',
  'Key',
  'Password',
  'Private Exponent',
  'CRT Coefficient',
  'Prime Exponent P',
  'Prime Exponent Q',
  'D',
  'P',
  'Q',
  'X',
  'Data',
  'Derivation Data',
  'Opaque Data Value',
  'One Time Password',
  'Hashed Password',
  'Server Hashed Password',
  'Ticket Value',
  'PKCS#11 Input Parameters',
  'PKCS#11 Output Parameters',
]);

/**
 * Whether the item whose header stands at `at` is one of them. A Key Value that is a string of octets is a key that is
 * wrapped, or no more than authenticated.
 */
export function isSecretItem(octets: Uint8Array, at: number): boolean {
  const tag = tagName(uint24(octets, at));
  return hidden.has(tag) || (tag === 'Key Value' && octets[at + 3] === itemTypes['Byte String'].code);
}

/**
 * The items of one message or item as a tree, key material starred out.
 * @throws {TtlvError} when the octets are not exactly one item
 */
export function describe(octets: Uint8Array): DescribedItem {
  check(octets);
  return describeAt(Buffer.from(octets.buffer, octets.byteOffset, octets.length), 0, '');
}

/** The tree as text for people, one item a line. */
export function describeText(item: DescribedItem, indent = ''): string {
  const { tag, type, value } = item;
  if (typeof value !== 'object')
    return `${indent}${tag} (${type}): ${typeof value === 'string' ? line(value) : value}\n`;
  return `${indent}${tag}\n${value.map((each) => describeText(each, `${indent}  `)).join('')}`;
}

/** `attribute` is whose value it is when it is an Attribute Value. */
function describeAt(octets: Buffer, at: number, attribute: string): DescribedItem {
  const tag = tagName(uint24(octets, at));
  const type = byCode[octets[at + 3]!]!.name;
  const length = uint32(octets, at + 4);
  const body = at + 8;
  if (isSecretItem(octets, at)) return { tag, type, value: `*** (${length} bytes)` };
  if (type === 'Structure') return { tag, type, value: children(octets, body, body + length) };
  return { tag, type, value: scalar[type](octets, body, length, tag === 'Attribute Value' ? attribute : tag) };
}

function children(octets: Buffer, from: number, end: number): DescribedItem[] {
  const items: DescribedItem[] = [];
  let attribute = '';
  for (let at = from; at < end; at += 8 + padded(uint32(octets, at + 4))) {
    const item = describeAt(octets, at, attribute);
    if (item.tag === 'Attribute Name') attribute = String(item.value);
    items.push(item);
  }
  return items;
}

type Show = (octets: Buffer, at: number, length: number, tag: string) => string | number | boolean;

const scalar: Record<Exclude<ItemTypeName, 'Structure'>, Show> = {
  Integer: (octets, at, _length, tag) => maskText(tag, octets.readInt32BE(at)),
  'Long Integer': (octets, at) => octets.readBigInt64BE(at).toString(),
  'Big Integer': (octets, at, length) => `0x${hex(octets.subarray(at, at + length))}`,
  Enumeration: (octets, at, _length, tag) => enumerationText(tag, octets.readUInt32BE(at)),
  Boolean: (octets, at) => octets[at + 7] === 1,
  'Text String': (octets, at, length) => octets.toString('utf8', at, at + length),
  'Byte String': (octets, at, length) => hex(octets.subarray(at, at + length)),
  'Date-Time': (octets, at) => dateText(octets.readBigInt64BE(at)),
  Interval: (octets, at) => `${octets.readUInt32BE(at)} s`,
  'Date-Time Extended': (octets, at) => `${octets.readBigInt64BE(at)} us since 1970`,
};

function maskText(tag: string, value: number): string | number {
  const table = Object.hasOwn(masks, tag) ? masks[tag]! : {};
  const names = Object.entries(table).filter(([, bit]) => (value & bit) !== 0);
  return names.length === 0 ? value : `${value} (${names.map(([name]) => name).join(', ')})`;
}

function enumerationText(tag: string, value: number): string {
  if (tag === 'Attribute Reference') return tagName(value);
  const table = Object.hasOwn(enumerations, tag) ? enumerations[tag]! : {};
  const found = Object.entries(table).find(([, number]) => number === value);
  return found?.[0] ?? `0x${value.toString(16).padStart(8, '0')}`;
}

function dateText(seconds: bigint): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s since 1970` : date.toISOString();
}

/** On one line, whatever the text holds. */
const line = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (each) => `\\u{${each.codePointAt(0)!.toString(16)}}`);
