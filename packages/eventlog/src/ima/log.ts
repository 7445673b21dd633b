import { type Codec, decode, fixed, sized, struct, u32le, untilEnd } from '@vouchsafe/bytes/codec';
import { concat } from '@vouchsafe/bytes/hex';
import { DecodeError, Reader } from '@vouchsafe/bytes/reader';
import { algorithms, type Bank } from '../algorithms.ts';
import { type FieldId, fieldsOf, originalNameSize, originalTemplate, templateFields } from './template.ts';

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

/** `hashBank`: the hash of the column of template hashes (securityfs has a file for each bank; plain name: sha1). */
export interface ImaForm {
  readonly hashBank?: Bank;
}

/**
 * Decodes `binary_runtime_measurements` (little-endian: x86, or `ima_canonical_fmt`).
 * @throws {DecodeError} naming entry, field and offset
 */
export function decodeImaLog(
  bytes: Uint8Array,
  limits = defaultImaLimits,
  { hashBank = 'sha1' }: ImaForm = {},
): ImaEntry[] {
  const reader = new Reader(bytes);
  return reader.within('ima', () => {
    if (bytes.length > limits.bytes) reader.fail(`${bytes.length} bytes, limit ${limits.bytes}`);
    const head = struct('ima_template_entry', {
      pcr: u32le,
      digest: fixed('digest', algorithms[hashBank].size),
      name: sized('name', u32le, maxTemplateName),
    });
    const data = sized('template_data', u32le, limits.entryBytes);
    const entries: ImaEntry[] = [];
    while (reader.left > 0) {
      const index = entries.length;
      if (index === limits.entries) reader.fail(`more than ${limits.entries} entries`);
      entries.push(reader.within(`[${index}]`, () => readEntry(reader, head, data, index)));
    }
    return entries;
  });
}

type Head = Codec<{ pcr: number; digest: Uint8Array; name: Uint8Array }>;

function readEntry(reader: Reader, head: Head, data: Codec<Uint8Array>, index: number): ImaEntry {
  const at = reader.offset;
  const { pcr, digest, name } = head.read(reader, {});
  if (pcr > maxPcr) reader.within('pcr', () => reader.fail(`PCR ${pcr}, expected 0..${maxPcr}`, at));
  const template = text(name);
  return reader.within(`template_data(${template.slice(0, 64)})`, () => {
    const from = reader.offset;
    if (template === originalTemplate) {
      const { digest: file, name } = OriginalData.read(reader, {});
      return makeEntry(index, pcr, digest, template, originalData(file, name), originalFields(file, name));
    }
    const hashed = data.read(reader, {});
    const fields = locate(reader.path, from + 4, () => decodeTemplateData(template, hashed));
    return makeEntry(index, pcr, digest, template, hashed, fields);
  });
}

/** Builds an entry; for the decoders of both forms. */
export const makeEntry = (
  index: number,
  pcr: number,
  templateHash: Uint8Array,
  template: string,
  hashed: Uint8Array,
  fields: ImaFields,
): ImaEntry => ({
  index,
  pcr,
  templateHash,
  template,
  hashed,
  fields,
  violation: templateHash.every((byte) => byte === 0),
});

const OriginalData = struct('ima', { digest: fixed('digest', 20), name: sized('name', u32le, originalNameSize - 1) });

/** What template `ima` is hashed over: digest, then the name in 256 bytes. */
export function originalData(digest: Uint8Array, name: Uint8Array): Uint8Array {
  const field = new Uint8Array(originalNameSize);
  field.set(name.subarray(0, originalNameSize - 1));
  return concat(digest, field);
}

const originalFields = (digest: Uint8Array, name: Uint8Array): ImaFields => ({
  digest: { algorithm: 'sha1', value: digest },
  name: text(name),
});

const TemplateField = sized('field', u32le, defaultImaLimits.entryBytes);
const TemplateData = untilEnd('template_data', TemplateField, 64);

/**
 * Fields of template data: each behind its length.
 * A template that this package does not know yields no fields: it is replayed, but says nothing.
 * @throws {DecodeError} when the data are not the template's fields
 */
export function decodeTemplateData(template: string, data: Uint8Array): ImaFields {
  const ids = fieldsOf(template);
  if (ids === undefined) return {};
  const values = decode(TemplateData, data);
  if (values.length !== ids.length) {
    throw new DecodeError('template_data', 0, `${values.length} fields, expected ${ids.length} (${ids.join(', ')})`);
  }
  return Object.assign({}, ...ids.map((id, i) => fieldOf(id, values[i]!)));
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

function fieldOf(id: FieldId, value: Uint8Array): ImaFields {
  const member = members[id];
  if (member === undefined) return {};
  if (templateFields[id] === 'bytes') return { [member]: value };
  if (templateFields[id] === 'string') return { [member]: nulTerminated(id, value) };
  // Without an appended signature its digest is empty, too.
  return value.length === 0 && id === 'd-modsig' ? {} : { [member]: decodeDigest(id, value) };
}

function nulTerminated(id: FieldId, value: Uint8Array): string {
  if (value.length > maxNameBytes) throw new DecodeError(id, 0, `${value.length} bytes, limit ${maxNameBytes}`);
  if (value.indexOf(0) !== value.length - 1) throw new DecodeError(id, 0, 'a string that does not end at its only NUL');
  return text(value.subarray(0, -1));
}

const maxPrefix = 64;

function decodeDigest(id: FieldId, value: Uint8Array): ImaDigest {
  if (id === 'd') return { algorithm: value.length === 16 ? 'md5' : 'sha1', value };
  const nul = value.subarray(0, maxPrefix).indexOf(0);
  const prefix = text(value.subarray(0, Math.max(nul, 0)));
  const match = /^(?:([a-z0-9-]+):)?([a-z0-9-]+):$/.exec(prefix);
  if (match === null) throw new DecodeError(id, 0, 'expected the name of a hash, a colon and NUL before the digest');
  const [, kind, algorithm] = match;
  return { algorithm: algorithm!, value: value.slice(nul + 1), ...(kind === undefined ? {} : { kind }) };
}

function locate<T>(path: string, offset: number, f: () => T): T {
  try {
    return f();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError(`${path}.${error.path}`, offset + error.offset, error.reason);
  }
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
