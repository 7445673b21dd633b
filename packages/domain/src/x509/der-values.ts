import { type Element, tags } from './der.ts';

/** An object identifier in dotted decimals (X.690, 8.19). @throws {DecodeError} */
export function oidOf(element: Element): string {
  expect(element, tags.oid, 'object identifier');
  const { value } = element;
  const last = value.at(-1);
  if (last === undefined || last >= 0x80 || value.length > 32) element.fail('no object identifier');
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of value) {
    if (arc === 0 && octet === 0x80) element.fail('no object identifier');
    arc = arc * 128 + (octet & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER / 256) element.fail('an object identifier too large');
    if (octet >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...others] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...others].join('.');
}

/** The contents of an INTEGER, as they stand (X.690, 8.3). @throws {DecodeError} */
export function integerOf(element: Element): Uint8Array {
  expect(element, tags.integer, 'integer');
  const { value } = element;
  const [first, second = 0] = value;
  if (first === undefined) element.fail('an integer without octets');
  if (value.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    element.odd('integer-form');
  return value;
}

/** An INTEGER from 0 to `most`. @throws {DecodeError} */
export function smallIntegerOf(element: Element, most: number): number {
  const value = integerOf(element);
  const number = value.length > 6 ? Number.NaN : value.reduce((sum, octet) => sum * 256 + octet, 0);
  if ((value[0] ?? 0) >= 0x80 || !(number <= most)) element.fail(`expected an integer from 0 to ${most}`);
  return number;
}

/** X.690, 11.1: true is FF. @throws {DecodeError} */
export function booleanOf(element: Element): boolean {
  expect(element, tags.boolean, 'boolean');
  const [octet] = element.value;
  if (octet === undefined || element.value.length !== 1) element.fail('a boolean of other than one octet');
  if (octet !== 0 && octet !== 0xff) element.odd('boolean-form');
  return octet !== 0;
}

/** The octets of a BIT STRING that consists of whole octets. @throws {DecodeError} */
export function bitOctetsOf(element: Element): Uint8Array {
  expect(element, tags.bitString, 'bit string');
  if (element.value[0] !== 0) element.fail('a bit string that is not of whole octets');
  return element.value.subarray(1);
}

/** The bits of a named bit list (X.690, 11.2.2), bit 0 first. `tag` for implicitly tagged ones. @throws {DecodeError} */
export function namedBitsOf(element: Element, tag: number = tags.bitString): ReadonlySet<number> {
  expect(element, tag, 'bit string');
  const [unused, ...octets] = element.value;
  const last = octets.at(-1);
  if (unused === undefined || unused > 7 || (unused > 0 && last === undefined) || octets.length > 8)
    element.fail('no bit string');
  const length = octets.length * 8 - unused;
  const bits = new Set<number>();
  octets.forEach((octet, i) => {
    for (let bit = 0; bit < 8; bit++) if (octet & (0x80 >> bit)) bits.add(i * 8 + bit);
  });
  const outside = [...bits].filter((bit) => bit >= length);
  if (outside.length > 0 || (length > 0 && !bits.has(length - 1))) element.odd('bit-string-padding');
  for (const bit of outside) bits.delete(bit);
  return bits;
}

const utcTime = /^(?<yy>\d\d)(?<rest>\d{8})(?<seconds>\d\d)?(?<zone>Z|[+-]\d{4})$/;
const generalizedTime = /^(?<yyyy>\d{4})(?<rest>\d{8})(?<seconds>\d\d)(?<fraction>\.\d{1,9})?Z$/;

/** Seconds since 1970 of a UTCTime or GeneralizedTime (RFC 5280, 4.1.2.5). @throws {DecodeError} */
export function timeOf(element: Element): number {
  if (element.tag !== tags.utcTime && element.tag !== tags.generalizedTime) element.fail('expected a time');
  const text = latin1(element.value.subarray(0, 32));
  const match = (element.tag === tags.utcTime ? utcTime : generalizedTime).exec(text);
  if (match?.groups === undefined) element.fail('no time');
  const { yy, yyyy, rest = '', seconds, zone, fraction } = match.groups;
  const year = yyyy === undefined ? Number(yy) + (Number(yy) < 50 ? 2000 : 1900) : Number(yyyy);
  if (seconds === undefined || fraction !== undefined || (zone ?? 'Z') !== 'Z' || (yyyy !== undefined && year < 2050))
    element.odd('time-form');
  const [month = 0, day = 0, hour = 0, minute = 0] = rest.match(/\d\d/g)?.map(Number) ?? [];
  const second = Number(seconds ?? 0);
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    element.fail('no time of a calendar');
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - offsetOf(zone);
}

/** Seconds that a zone such as +0130 is ahead. */
function offsetOf(zone = 'Z'): number {
  if (zone === 'Z') return 0;
  const seconds = Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(3)) * 60;
  return zone.startsWith('-') ? -seconds : seconds;
}

export const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

const decoders: Readonly<Record<number, (value: Uint8Array) => string>> = {
  [tags.utf8String]: (value) => new TextDecoder().decode(value),
  [tags.bmpString]: (value) =>
    Buffer.from(value.subarray(0, value.length & ~1))
      .swap16()
      .toString('utf16le'),
  [tags.universalString]: universal,
};

function universal(value: Uint8Array): string {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const points = Array.from({ length: value.length >> 2 }, (_, i) => view.getUint32(i * 4));
  return points.map((point) => (point > 0x10ffff ? '\ufffd' : String.fromCodePoint(point))).join('');
}

/** The text of a string of any kind; octets that are none show as replacement characters. */
export const textOf = ({ tag, value }: Pick<Element, 'tag' | 'value'>): string => (decoders[tag] ?? latin1)(value);

function expect(element: Element, tag: number, what: string): void {
  if (element.tag !== tag) element.fail(`expected ${what}`);
}
