/** A record of a CSV text and the line on which it begins, from 1. */
export interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

/** A CSV text that cannot be read. */
export class CsvError extends Error {
  override readonly name = 'CsvError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** A field in quotes or without, and what ends it. */
const field = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/**
 * Reads comma-separated values (RFC 4180): fields in quotes may hold commas, line ends and doubled quotes. Empty lines
 * are left out.
 * @throws {CsvError} at a quote that stands or ends where none may
 */
export function* readCsv(text: string): Generator<CsvRecord> {
  let fields: string[] = [];
  let [line, begun, at] = [1, 1, 0];
  const whole = text.startsWith('\ufeff') ? text.slice(1) : text;
  while (at < whole.length) {
    field.lastIndex = at;
    const match = field.exec(whole);
    if (match === null) throw new CsvError(line, 'a quote stands inside a field, or is never closed');
    const [all, quoted, plain = '', end = ''] = match;
    fields.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
    for (const character of all) if (character === '\n') line++;
    at += all.length;
    if (end === ',' && at < whole.length) continue;
    if (end === ',') fields.push('');
    if (fields.length > 1 || fields[0] !== '') yield { line: begun, fields };
    [fields, begun] = [[], line];
  }
}
