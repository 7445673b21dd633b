import { styleText } from 'node:util';
import type { Problem } from '@vouchsafe/domain/problem';
import { stringify } from 'yaml';
import { problemFrom } from './problem-from.ts';

/** How results are printed: tables for people, the others for programs. */
export const formats = ['table', 'json', 'yaml', 'name'] as const;
export type Format = (typeof formats)[number];

/** How a value looks in a table: its columns, or lines of its own. */
export interface View<T> {
  readonly columns?: readonly (readonly [title: string, cell: (row: T) => unknown])[];
  /** For single things: label and value, one line each. */
  readonly fields?: readonly (readonly [label: string, value: (item: T) => unknown])[];
  readonly name?: (item: T) => string;
  readonly empty?: string;
}

/** Writes a result to standard output; the only place that does. */
export function print<T>(value: T | readonly T[], view: View<T>, format: Format): void {
  process.stdout.write(`${render(value, view, format).replace(/\n*$/, '')}\n`);
}

export function render<T>(value: T | readonly T[], view: View<T>, format: Format): string {
  if (format === 'json') return JSON.stringify(value, undefined, 2);
  if (format === 'yaml') return stringify(value);
  const items: readonly T[] = Array.isArray(value) ? value : [value as T];
  if (format === 'name') return items.map((item) => view.name?.(item) ?? String(item)).join('\n');
  if (items.length === 0) return view.empty ?? 'none';
  if (view.fields !== undefined && !Array.isArray(value)) return fields(value as T, view.fields);
  return view.columns === undefined ? items.map(String).join('\n') : table(items, view.columns);
}

function table<T>(rows: readonly T[], columns: NonNullable<View<T>['columns']>): string {
  const cells = [
    columns.map(([title]) => title.toUpperCase()),
    ...rows.map((row) => columns.map(([, cell]) => text(cell(row)))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function fields<T>(item: T, rows: NonNullable<View<T>['fields']>): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows
    .map(([label, value]) => [label, text(value(item))] as const)
    .filter(([, value]) => value !== '')
    .map(([label, value]) => `${`${label}:`.padEnd(width + 2)}${value.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`)
    .join('\n');
}

const text = (value: unknown): string =>
  value === undefined || value === null ? '' : Array.isArray(value) ? value.join('\n') : String(value);

/** Says something to the person in front of the terminal, on standard error. */
export const say = (line: string): void => void process.stderr.write(`vouchsafe: ${line}\n`);

/** One status line that overwrites itself on a terminal; elsewhere nothing but the last one is written. */
export function progressLine(): { show(line: string): void; done(line: string): void } {
  const live = process.stderr.isTTY === true;
  return {
    show: (line) => void (live && process.stderr.write(`\r\x1b[2K${line}`)),
    done: (line) => void process.stderr.write(`${live ? '\r\x1b[2K' : ''}${line}\n`),
  };
}

/** Prints what went wrong and what to do; gives the exit code. */
export function printError(error: unknown, verbose: boolean): number {
  const problem = problemFrom(error);
  const { title, hint, exit } = problem.facts;
  process.stderr.write(`vouchsafe: ${title}: ${problem.message}\n`);
  for (const line of findingLines(problem)) process.stderr.write(`  ${line}\n`);
  process.stderr.write(`${styleText('dim', 'hint:', { stream: process.stderr })} ${hint}\n`);
  if (verbose || problem.kind === 'internal') process.stderr.write(`${(error as Error).stack ?? ''}\n`);
  return exit;
}

function findingLines({ data }: Problem): string[] {
  const { findings } = data as { findings?: { check: string; severity: string; detail: string; advice?: string }[] };
  return (findings ?? []).map(
    ({ check, severity, detail, advice }) =>
      `${severity} ${check}: ${detail}${advice === undefined ? '' : ` (${advice})`}`,
  );
}
