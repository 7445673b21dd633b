import { concat } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { algorithms, type Bank } from '../algorithms.ts';
import { type FieldId, fieldsOf, originalNameSize, originalTemplate } from './template.ts';

/** What a log may cost: about 100 bytes and 10 microseconds an entry. A host that grows beyond sends its log in parts. */
export interface ImaLimits {
  /** Bytes of the whole log. */
  readonly bytes: number;
  readonly entries: number;
  /** Bytes of one entry's template data. */
  readonly entryBytes: number;
}

export const defaultImaLimits: ImaLimits = { bytes: 16 * 2 ** 20, entries: 262_144, entryBytes: 2 ** 20 };

/** The digest of a measured object. */
export interface ImaDigest {
  /** Hash as the kernel names it (`sha256`), without `:`; for template `ima` by the digest's size. */
  readonly algorithm: string;
  readonly value: Uint8Array;
  /** `ima` or `verity` for d-ngv2; undefined for the others. */
  readonly kind?: string;
}

/** The decoded fields of an entry. */
export interface ImaFields {
  readonly digest?: ImaDigest;
  /** Path, or a name like `boot_aggregate`. Bytes that are no UTF-8 show as U+FFFD. */
  readonly name?: string;
  readonly signature?: Uint8Array;
  readonly buffer?: Uint8Array;
  readonly appendedDigest?: ImaDigest;
  readonly appendedSignature?: Uint8Array;
}

/** One entry of an IMA log. Proven only by the replay of the whole log up to it. */
export interface ImaEntry {
  readonly index: number;
  readonly pcr: number;
  /** What the log claims the template's hash to be; zeros mark a violation. */
  readonly templateHash: Uint8Array;
  readonly template: string;
  /** The bytes that were hashed (not the file's digest, which is in `fields`). */
  readonly hashed: Uint8Array;
  readonly fields: ImaFields;
  /** Time-of-measure/time-of-use or open-writers violation: ones were extended, so nothing else of the entry is proven. */
  readonly violation: boolean;
}

const maxPcr = 31;
const maxNameBytes = 4096;
const maxTemplateName = 255;

/** What a log does not say of itself. */
export interface ImaForm {
  /** Hash of the column of template hashes: securityfs has a file for each bank; the one with a plain name has SHA-1. */
  readonly hashBank?: Bank;
  /** `big`: of a big-endian host without `ima_canonical_fmt`. */
  readonly endian?: 'little' | 'big';
}

/**
 * Decodes `binary_runtime_measurements` (Linux: security/integrity/ima/ima_fs.c, ima_measurements_show).
 *
 * Read by hand and not by a declared structure: hosts have tens of thousands of entries, in every attestation.
 * @throws {DecodeError} naming entry, field and offset
 */
export function decodeImaLog(
  bytes: Uint8Array,
  limits = defaultImaLimits,
  { hashBank = 'sha1', endian = 'little' }: ImaForm = {},
): ImaEntry[] {
  if (bytes.length > limits.bytes) throw new DecodeError('ima', 0, `${bytes.length} bytes, limit ${limits.bytes}`);
  const cursor = new Cursor(bytes, endian);
  const hashSize = algorithms[hashBank].size;
  const entries: ImaEntry[] = [];
  while (cursor.offset < bytes.length) {
    if (entries.length === limits.entries)
      throw new DecodeError('ima', cursor.offset, `more than ${limits.entries} entries`);
    entries.push(readEntry(cursor, entries.length, hashSize, limits.entryBytes));
  }
  return entries;
}

/** A place in a log. Paths of fields are put together only when there is something to say. */
class Cursor {
  readonly bytes: Uint8Array;
  readonly text: Buffer;
  readonly little: boolean;
  readonly #view: DataView;
  offset = 0;

  constructor(bytes: Uint8Array, endian: 'little' | 'big') {
    this.bytes = bytes;
    this.text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.little = endian === 'little';
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u32(path: () => string): number {
    this.#need(4, path);
    const value = this.#view.getUint32(this.offset, this.little);
    this.offset += 4;
    return value;
  }

  /** Skips bytes behind their length. @returns where they begin */
  sized(max: number, path: () => string): number {
    const at = this.offset;
    const size = this.u32(path);
    if (size > max) throw new DecodeError(path(), at, `${size} bytes, limit ${max}`);
    return this.skip(size, path);
  }

  skip(size: number, path: () => string): number {
    this.#need(size, path);
    const from = this.offset;
    this.offset += size;
    return from;
  }

  /** A view of the log's own bytes. */
  slice(from: number, to = this.offset): Uint8Array {
    return view(this.bytes, from, to);
  }

  #need(size: number, path: () => string): void {
    const left = this.bytes.length - this.offset;
    if (left < size) throw new DecodeError(path(), this.offset, `need ${size} bytes, ${left} left`);
  }
}

/** Never a Buffer, whatever the log came in. */
const view = (bytes: Uint8Array, from: number, to: number): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from);

function readEntry(cursor: Cursor, index: number, hashSize: number, maxData: number): ImaEntry {
  const at = cursor.offset;
  const path = (field: string) => () => `ima[${index}].${field}`;
  const pcr = cursor.u32(path('pcr'));
  if (pcr > maxPcr) throw new DecodeError(path('pcr')(), at, `PCR ${pcr}, expected 0..${maxPcr}`);
  const hashAt = cursor.skip(hashSize, path('digest'));
  const templateHash = cursor.slice(hashAt);
  const nameAt = cursor.sized(maxTemplateName, path('name'));
  const template = cursor.text.toString('utf8', nameAt, cursor.offset);
  const dataPath = () => `ima[${index}].template_data(${template.slice(0, 64)})`;
  if (template === originalTemplate) return readOriginal(cursor, index, pcr, templateHash, dataPath);
  const dataAt = cursor.sized(maxData, dataPath);
  const hashed = cursor.slice(dataAt);
  try {
    return makeEntry(index, pcr, templateHash, template, hashed, decodeTemplateData(template, hashed, cursor.little));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError(`${dataPath()}.${error.path}`, dataAt + error.offset, error.reason);
  }
}

/** Template `ima` has no length around its data. */
function readOriginal(
  cursor: Cursor,
  index: number,
  pcr: number,
  templateHash: Uint8Array,
  path: () => string,
): ImaEntry {
  const digestAt = cursor.skip(20, path);
  const file = cursor.slice(digestAt);
  const nameAt = cursor.sized(originalNameSize - 1, path);
  const name = cursor.slice(nameAt);
  const fields = {
    digest: { algorithm: 'sha1', value: file },
    name: cursor.text.toString('utf8', nameAt, cursor.offset),
  };
  return makeEntry(index, pcr, templateHash, originalTemplate, originalData(file, name), fields);
}

/** Builds an entry; for the decoders of both forms. */
export function makeEntry(
  index: number,
  pcr: number,
  templateHash: Uint8Array,
  template: string,
  hashed: Uint8Array,
  fields: ImaFields,
): ImaEntry {
  let violation = true;
  for (let at = 0; at < templateHash.length && violation; at++) violation = templateHash[at] === 0;
  return { index, pcr, templateHash, template, hashed, fields, violation };
}

/** What template `ima` is hashed over: digest, then the name in 256 bytes. */
export function originalData(digest: Uint8Array, name: Uint8Array): Uint8Array {
  const field = new Uint8Array(originalNameSize);
  field.set(name.subarray(0, originalNameSize - 1));
  return concat(digest, field);
}

const maxFields = 64;

/**
 * Fields of template data: each behind its length.
 * A template that this package does not know yields no fields: it is replayed, but says nothing.
 * @throws {DecodeError} when the data are not the template's fields
 */
export function decodeTemplateData(template: string, data: Uint8Array, little = true): ImaFields {
  const ids = fieldsOf(template);
  if (ids === undefined) return {};
  const numbers = new DataView(data.buffer, data.byteOffset, data.length);
  const fields: { -readonly [K in keyof ImaFields]: ImaFields[K] } = {};
  let count = 0;
  for (let at = 0; at < data.length; count++) {
    const bad = (reason: string) => new DecodeError(`template_data[${count}]`, at, reason);
    if (count === maxFields) throw bad(`more than ${maxFields} fields`);
    if (data.length - at < 4) throw bad(`need 4 bytes, ${data.length - at} left`);
    const size = numbers.getUint32(at, little);
    if (size > data.length - at - 4) throw bad(`need ${size} bytes, ${data.length - at - 4} left`);
    const id = ids[count];
    if (id !== undefined) setField(fields, id, view(data, at + 4, at + 4 + size));
    at += 4 + size;
  }
  if (count !== ids.length)
    throw new DecodeError('template_data', 0, `${count} fields, expected ${ids.length} (${ids.join(', ')})`);
  return fields;
}

const members: Readonly<Partial<Record<FieldId, keyof ImaFields>>> = {
  d: 'digest',
  'd-ng': 'digest',
  'd-ngv2': 'digest',
  n: 'name',
  'n-ng': 'name',
  sig: 'signature',
  buf: 'buffer',
  'd-modsig': 'appendedDigest',
  modsig: 'appendedSignature',
};

function setField(fields: { -readonly [K in keyof ImaFields]: ImaFields[K] }, id: FieldId, value: Uint8Array): void {
  const member = members[id];
  if (member === undefined) return;
  if (member === 'name') fields.name = nulTerminated(id, value);
  else if (member !== 'digest' && member !== 'appendedDigest') fields[member] = value;
  // Without an appended signature its digest is empty, too.
  else if (value.length > 0 || id !== 'd-modsig') fields[member] = decodeDigest(id, value);
}

function nulTerminated(id: FieldId, value: Uint8Array): string {
  if (value.length > maxNameBytes) throw new DecodeError(id, 0, `${value.length} bytes, limit ${maxNameBytes}`);
  if (value.indexOf(0) !== value.length - 1) throw new DecodeError(id, 0, 'a string that does not end at its only NUL');
  return text(value, value.length - 1);
}

const maxPrefix = 64;
type Prefix = Pick<ImaDigest, 'algorithm' | 'kind'>;
/** Every entry of a log has the same few of them. */
const prefixes = new Map<string, Prefix>();

function decodeDigest(id: FieldId, value: Uint8Array): ImaDigest {
  if (id === 'd') return { algorithm: value.length === 16 ? 'md5' : 'sha1', value };
  const nul = value.subarray(0, maxPrefix).indexOf(0);
  const prefix = text(value, Math.max(nul, 0));
  const read = prefixes.get(prefix) ?? readPrefix(id, prefix);
  return { ...read, value: view(value, nul + 1, value.length) };
}

function readPrefix(id: FieldId, prefix: string): Prefix {
  const [, kind, algorithm] = /^(?:([a-z0-9-]+):)?([a-z0-9-]+):$/.exec(prefix) ?? [];
  if (algorithm === undefined)
    throw new DecodeError(id, 0, 'expected the name of a hash, a colon and NUL before the digest');
  const read: Prefix = kind === undefined ? { algorithm } : { algorithm, kind };
  if (prefixes.size < maxPrefix) prefixes.set(prefix, read);
  return read;
}

const text = (bytes: Uint8Array, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8', 0, end);
