import { concat, fromHex } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { algorithms } from '../algorithms.ts';
import {
  decodeTemplateData,
  defaultImaLimits,
  type ImaEntry,
  type ImaForm,
  type ImaLimits,
  makeEntry,
  originalData,
} from './log.ts';
import { type FieldId, fieldsOf, originalTemplate, templateFields } from './template.ts';

/**
 * Decodes `ascii_runtime_measurements`: one entry a line, `PCR HASH TEMPLATE FIELD...`; the template data are rebuilt.
 * The kernel writes spaces in names as `_`, but not line feeds: a name with a line feed breaks this form and is refused.
 * @throws {DecodeError} naming the line, and the offset in bytes where it begins
 */
export function decodeImaText(bytes: Uint8Array, limits: ImaLimits = defaultImaLimits, form: ImaForm = {}): ImaEntry[] {
  if (bytes.length > limits.bytes) throw new DecodeError('ima', 0, `${bytes.length} bytes, limit ${limits.bytes}`);
  const hashSize = algorithms[form.hashBank ?? 'sha1'].size;
  const entries: ImaEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) throw new DecodeError(`ima line ${entries.length + 1}`, at, 'expected a line feed at its end');
    if (entries.length === limits.entries) throw new DecodeError('ima', at, `more than ${limits.entries} entries`);
    entries.push(decodeLine(bytes.subarray(at, end), entries.length, at, hashSize));
    at = end + 1;
  }
  return entries;
}

function decodeLine(line: Uint8Array, index: number, at: number, hashSize: number): ImaEntry {
  const fail = (reason: string): never => {
    throw new DecodeError(`ima line ${index + 1}`, at, reason);
  };
  // Latin-1 keeps every byte of a name that is not UTF-8.
  const [pcr, hash, template, ...columns] = Buffer.from(line).toString('latin1').split(' ');
  if (!/^\d{1,2}$/.test(pcr!.trim())) fail('expected a PCR index first');
  if (hash === undefined || hash.length !== 2 * hashSize || !isHex(hash))
    fail(`expected ${2 * hashSize} hexadecimal digits`);
  const ids = fieldsOf(template ?? '') ?? fail('unknown template; read the binary form instead');
  if (columns.length > ids.length || columns.length === 0) fail(`${columns.length} fields, expected ${ids.length}`);
  try {
    const fields = ids.map((id, i) => fieldBytes(id, columns[i] ?? ''));
    if (template === originalTemplate) {
      const name = fields[1]!.subarray(0, -1);
      const shown = { digest: { algorithm: 'sha1', value: fields[0]! }, name: Buffer.from(name).toString('utf8') };
      return makeEntry(index, Number(pcr), fromHex(hash!), template, originalData(fields[0]!, name), shown);
    }
    const data = concat(...fields.flatMap((field) => [uint32Bytes(field.length), field]));
    return makeEntry(index, Number(pcr), fromHex(hash!), template!, data, decodeTemplateData(template!, data));
  } catch (error) {
    if (error instanceof DecodeError) fail(`${error.path}: ${error.reason}`);
    throw error;
  }
}

const isHex = (text: string) => text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text);

/** A column as it stands in template data. */
function fieldBytes(id: FieldId, column: string): Uint8Array<ArrayBuffer> {
  const bad = (reason: string): never => {
    throw new DecodeError(id, 0, reason);
  };
  const form = templateFields[id];
  if (form === 'string') return concat(Buffer.from(column, 'latin1'), zero);
  if (form === 'bytes' || id === 'd') return isHex(column) ? fromHex(column) : bad('expected hexadecimal digits');
  if (form === 'uint16' || form === 'uint32') return numberBytes(form, column) ?? bad('expected a decimal number');
  if (column === '') return new Uint8Array();
  const colon = column.lastIndexOf(':');
  if (colon < 0 || !isHex(column.slice(colon + 1)))
    return bad('expected the name of a hash, a colon and hexadecimal digits');
  return concat(Buffer.from(column.slice(0, colon + 1), 'latin1'), zero, fromHex(column.slice(colon + 1)));
}

function numberBytes(form: 'uint16' | 'uint32', column: string): Uint8Array<ArrayBuffer> | undefined {
  const size = form === 'uint16' ? 2 : 4;
  const value = /^\d{1,10}$/.test(column) ? Number(column) : 2 ** 32;
  return value < 2 ** (8 * size) ? uint32Bytes(value).slice(0, size) : undefined;
}

const zero = new Uint8Array(1);

function uint32Bytes(value: number): Uint8Array<ArrayBuffer> {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, value, true);
  return length;
}
