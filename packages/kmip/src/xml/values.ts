import { fromHex, hex } from '@vouchsafe/bytes/hex';
import type { ItemTypeName } from '../ttlv/item-type.ts';
import { enumerationNames, maskNames } from './names.ts';

/** A type whose items have a value of their own. */
export type ScalarType = Exclude<ItemTypeName, 'Structure'>;

/** How the value of a type stands in XML; `of` is the tag, or the attribute for an Attribute Value. */
interface ValueForm {
  /** The octets of the value, not padded; nothing when the text is none. */
  read(text: string, of: string): Uint8Array | undefined;
  write(octets: Buffer, of: string): string;
}

const number32 = (value: number): Uint8Array => {
  const octets = Buffer.alloc(4);
  octets.writeInt32BE(value | 0);
  return octets;
};

const number64 = (value: bigint): Uint8Array => {
  const octets = Buffer.alloc(8);
  octets.writeBigInt64BE(BigInt.asIntN(64, value));
  return octets;
};

/** A number in decimal, or the octets of one in hexadecimal; nothing when it is neither or does not fit. */
function whole(text: string, bits: number, signed: boolean): bigint | undefined {
  if (new RegExp(`^0x[\\da-fA-F]{1,${bits / 4}}$`).test(text)) return BigInt(text);
  if (!/^-?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value ? value : undefined;
}

function named(text: string, of: string): bigint | undefined {
  const table = maskNames(of)?.toNumber;
  const parts = text.split(/[ |]+/).filter((part) => part !== '');
  if (table === undefined || parts.length > 64) return undefined;
  let mask = 0n;
  for (const part of parts) {
    const bit = table.get(part) ?? whole(part, 32, false);
    if (bit === undefined) return undefined;
    mask |= BigInt(bit);
  }
  return mask;
}

function maskText(value: number, of: string): string | undefined {
  const table = maskNames(of)?.toName;
  if (table === undefined || value === 0) return undefined;
  const words: string[] = [];
  for (let bit = 0; bit < 32; bit++) {
    const number = (1 << bit) >>> 0;
    if ((value & number) !== 0) words.push(table.get(number) ?? `0x${number.toString(16).padStart(8, '0')}`);
  }
  return words.join(' ');
}

const octetsOf = (text: string, multiple: number): Uint8Array | undefined =>
  /^(?:[\da-fA-F]{2})*$/.test(text) && (text.length / 2) % multiple === 0 ? fromHex(text.toLowerCase()) : undefined;

const dateForm = /^-?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

function seconds(text: string): bigint | undefined {
  const stated = whole(text, 64, true);
  if (stated !== undefined) return stated;
  const time = dateForm.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : BigInt(Math.floor(time / 1000));
}

function dateText(value: bigint): string {
  const date = new Date(Number(value) * 1000);
  return Number.isNaN(date.getTime()) ? `0x${BigInt.asUintN(64, value).toString(16).padStart(16, '0')}` : iso(date);
}

const iso = (date: Date): string => date.toISOString().replace('.000Z', '+00:00');

const into = <T>(value: T | undefined, form: (value: T) => Uint8Array) =>
  value === undefined ? undefined : form(value);
const asNumber32 = (value: bigint) => number32(Number(BigInt.asIntN(32, value)));

/** KMIP Additional Message Encodings 1.0, 5.1: the value of each type. */
export const valueForms: Readonly<Record<ScalarType, ValueForm>> = {
  Integer: {
    read: (text, of) => into(whole(text, 32, true) ?? named(text, of), asNumber32),
    write: (octets, of) => maskText(octets.readUInt32BE(), of) ?? String(octets.readInt32BE()),
  },
  'Long Integer': {
    read: (text) => into(whole(text, 64, true), number64),
    write: (octets) => String(octets.readBigInt64BE()),
  },
  'Big Integer': {
    read: (text) => (text === '' ? undefined : octetsOf(text.replace(/^0x/, ''), 8)),
    write: (octets) => hex(octets),
  },
  Enumeration: {
    read: (text, of) =>
      into(
        enumerationNames(of)?.toNumber.get(text) ?? (/^0x[\da-fA-F]{1,8}$/.test(text) ? Number(text) : undefined),
        number32,
      ),
    write(octets, of) {
      const value = octets.readUInt32BE();
      return enumerationNames(of)?.toName.get(value) ?? `0x${value.toString(16).padStart(8, '0')}`;
    },
  },
  Boolean: {
    read: (text) =>
      /^(?:true|false|1|0)$/.test(text) ? number64(text === 'true' || text === '1' ? 1n : 0n) : undefined,
    write: (octets) => String(octets[7] === 1),
  },
  'Text String': {
    read: (text) => (text.isWellFormed() && !text.includes('\0') ? Buffer.from(text) : undefined),
    write: (octets) => octets.toString(),
  },
  'Byte String': { read: (text) => octetsOf(text, 1), write: (octets) => hex(octets) },
  'Date-Time': {
    read: (text) => into(seconds(text), number64),
    write: (octets) => dateText(octets.readBigInt64BE()),
  },
  Interval: {
    read: (text) => into(whole(text, 32, false), asNumber32),
    write: (octets) => String(octets.readUInt32BE()),
  },
  /** Microseconds since 1970. */
  'Date-Time Extended': {
    read: (text) => into(whole(text, 64, true) ?? microseconds(text), number64),
    write: (octets) => microText(octets.readBigInt64BE()),
  },
};

function microseconds(text: string): bigint | undefined {
  const at = seconds(text);
  const fraction = /\.(\d{1,6})/.exec(text)?.[1] ?? '';
  return at === undefined ? undefined : at * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

function microText(value: bigint): string {
  const micro = ((value % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const text = dateText((value - micro) / 1_000_000n);
  return text.startsWith('0x') ? String(value) : text.replace(/\+00:00$/, `.${String(micro).padStart(6, '0')}+00:00`);
}
