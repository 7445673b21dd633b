import { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { parseJson, validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { CsvError, readCsv } from './csv.ts';

/** Largest inventory, in bytes, and most entries. */
export const maxInventory = 48 * 1024 * 1024;
const maxEntries = 10_000;

const columns = ['name', 'scope', 'ek', 'public_key', 'certificate'] as const;

const Entry = Type.Object(
  {
    name: Type.String({ maxLength: 65_536 }),
    scope: Type.Optional(Type.String({ maxLength: 65_536 })),
    ek: Type.Optional(HostRecord.properties.ek),
    public_key: Type.Optional(Type.String({ maxLength: 4096 })),
    certificate: Type.Optional(Type.String({ maxLength: 16_384 })),
    /** Says that this key is of the TPM that the host of this name has already. */
    link: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
/** An endorsement key of an inventory. */
export type Entry = Type.Static<typeof Entry>;

/** An entry, and where it stands: `line 3` or `entry 3`, as the file is made. */
export interface Placed {
  readonly place: string;
  readonly entry: Entry;
}

/** What is wrong in an inventory, and where. */
export interface InventoryFault {
  readonly place: string;
  readonly message: string;
}

/** Faults that are listed; the rest is counted. */
const listed = 20;

/**
 * Reads an inventory of endorsement keys: a JSON array of objects, one JSON object a line, or CSV with a line of column
 * names. All that is wrong is told at once.
 * @param file name for messages
 * @throws {Problem} `input.malformed`, `input.invalid`, `input.too-large`
 */
export function readInventory(text: string, file: string): Placed[] {
  const raw = rawEntries(text.replace(/^\ufeff/, ''), file);
  if (raw.length === 0) throw new Problem('input.invalid', `${file}: no endorsement key stands in it`);
  if (raw.length > maxEntries)
    throw new Problem('input.too-large', `${file}: ${raw.length} endorsement keys, at most ${maxEntries} at once`);
  const faults: InventoryFault[] = [];
  const entries = raw.flatMap(({ place, value }) => {
    try {
      return [{ place, entry: entryOf(value) }];
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      faults.push({ place, message: error.message });
      return [];
    }
  });
  if (faults.length > 0) throw inventoryProblem(file, faults);
  return entries;
}

/** All that is wrong as one problem, a line each. */
export function inventoryProblem(file: string, faults: readonly InventoryFault[]): Problem {
  const lines = faults.slice(0, listed).map(({ place, message }) => `\n  ${place}: ${message}`);
  const more = faults.length > listed ? `\n  and ${faults.length - listed} more` : '';
  const count = faults.length === 1 ? 'one entry is' : `${faults.length} entries are`;
  return new Problem('input.invalid', `${file}: ${count} wrong, so nothing was approved:${lines.join('')}${more}`, {
    data: { faults },
  });
}

interface Raw {
  readonly place: string;
  readonly value: unknown;
}

function rawEntries(text: string, file: string): Raw[] {
  const start = text.trimStart()[0];
  if (start === '[') return jsonEntries(text, file);
  return start === '{' ? jsonLines(text, file) : csvEntries(text, file);
}

function jsonEntries(text: string, file: string): Raw[] {
  const value = parseJson(file, text);
  if (!Array.isArray(value)) throw new Problem('input.invalid', `${file}: expected an array`);
  return value.map((each: unknown, i) => ({ place: `entry ${i + 1}`, value: each }));
}

function jsonLines(text: string, file: string): Raw[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    return [{ place: `line ${i + 1}`, value: parseJson(`${file}: line ${i + 1}`, line) }];
  });
}

function csvEntries(text: string, file: string): Raw[] {
  try {
    const [head, ...records] = readCsv(text);
    if (head === undefined) return [];
    const names = columnsOf(head.fields, file);
    return records.map(({ line, fields }) => ({ place: `line ${line}`, value: objectOf(names, fields) }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new Problem('input.malformed', `${file}: line ${error.line}: ${error.message}`, { cause: error });
  }
}

function columnsOf(fields: readonly string[], file: string): readonly string[] {
  const names = fields.map((each) => each.toLowerCase());
  const known: readonly string[] = columns;
  const expected = `expected column names among ${columns.join(', ')}`;
  const bad = names.find((each) => !known.includes(each));
  if (bad !== undefined)
    throw new Problem('input.invalid', `${file}: line 1: ${expected}; ${JSON.stringify(bad.slice(0, 32))} is none`);
  if (new Set(names).size < names.length)
    throw new Problem('input.invalid', `${file}: line 1: a column stands there twice`);
  return names;
}

function objectOf(names: readonly string[], fields: readonly string[]): unknown {
  if (fields.length !== names.length)
    return new Problem('input.invalid', `${fields.length} fields, expected ${names.length} as in the first line`);
  return Object.fromEntries(names.map((name, i) => [name, fields[i]]).filter(([, value]) => value !== ''));
}

const check = validator('entry', Entry);

/** @throws {Problem} `input.invalid` without the word `entry`, since the place stands before it */
function entryOf(value: unknown): Entry {
  if (value instanceof Problem) throw value;
  try {
    const entry = check(value);
    const keys = [entry.ek, entry.public_key, entry.certificate].filter((each) => each !== undefined);
    if (keys.length !== 1) throw new Problem('input.invalid', 'expected exactly one of ek, public_key and certificate');
    return entry;
  } catch (error) {
    throw new Problem('input.invalid', (error as Error).message.replace(/^entry: /, ''), { cause: error });
  }
}
