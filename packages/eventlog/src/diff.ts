import { hex } from '@vouchsafe/bytes/hex';
import type { Bank } from './algorithms.ts';
import { describe } from './describe.ts';
import type { LogEvent } from './event.ts';
import type { EventLog } from './log.ts';
import { isExtended } from './replay.ts';

/** An event in which two logs differ. */
export interface LogDifference {
  readonly pcr: number;
  /** `moved`: both logs have the event, at another place. `more`: as many differences as are told, and others. */
  readonly kind: 'changed' | 'missing' | 'extra' | 'moved' | 'more';
  /** Which event of the PCR it is, counted from 0 in the golden log. */
  readonly position: number;
  readonly expected?: LogEvent;
  readonly actual?: LogEvent;
  /** In an operator's words. */
  readonly text: string;
}

/** How many differences are told of one PCR. */
export const maxDifferences = 32;

/** Cells of the table that aligns two PCRs; beyond it their events are compared one by one. */
const maxCells = 2 ** 20;

/**
 * Where a log departs from a golden one: in each PCR all events that are not in both, by the longest common
 * subsequence of their digests. Only digests are compared, since nothing else is measured.
 * @param pcrs which to look at; all that either log extends when absent
 * @param limit how many differences to tell of one PCR; a last one, `more`, counts the others
 */
export function diffLogs(
  golden: EventLog,
  actual: EventLog,
  bank: Bank,
  pcrs?: readonly number[],
  limit: number = maxDifferences,
): LogDifference[] {
  const expected = byPcr(golden);
  const found = byPcr(actual);
  const wanted = pcrs ?? [...new Set([...expected.keys(), ...found.keys()])].sort((a, b) => a - b);
  return wanted.flatMap((pcr) => {
    const edits = editsOf(expected.get(pcr) ?? [], found.get(pcr) ?? [], bank);
    const told = edits.slice(0, limit).map((edit) => differenceOf(pcr, edit, bank));
    const position = edits[limit]?.position ?? 0;
    const untold = edits.length - told.length;
    const more = { pcr, kind: 'more', position, text: `PCR ${pcr}: ${untold} more events differ` } as const;
    return untold > 0 ? [...told, more] : told;
  });
}

function byPcr(log: EventLog): Map<number, LogEvent[]> {
  const pcrs = new Map<number, LogEvent[]>();
  for (const event of log.events) {
    if (!isExtended(event)) continue;
    const list = pcrs.get(event.pcr);
    if (list) list.push(event);
    else pcrs.set(event.pcr, [event]);
  }
  return pcrs;
}

interface Edit {
  readonly kind: Exclude<LogDifference['kind'], 'more'>;
  readonly position: number;
  readonly expected?: LogEvent;
  readonly actual?: LogEvent;
}

/** A stretch between events that both logs have: what the golden log has there, and what the other one has. */
interface Gap {
  readonly position: number;
  readonly expected: readonly LogEvent[];
  readonly actual: readonly LogEvent[];
}

function editsOf(golden: readonly LogEvent[], actual: readonly LogEvent[], bank: Bank): Edit[] {
  const key = (event: LogEvent) => hex(event.digests[bank] ?? new Uint8Array());
  const gaps = gapsOf(golden, actual, key);
  const extra = new Map<string, LogEvent[]>();
  for (const event of gaps.flatMap((gap) => gap.actual)) {
    const alike = extra.get(key(event));
    if (alike) alike.push(event);
    else extra.set(key(event), [event]);
  }
  const moved = new Map<LogEvent, LogEvent>();
  for (const event of gaps.flatMap((gap) => gap.expected)) {
    const elsewhere = extra.get(key(event))?.pop();
    if (elsewhere) moved.set(event, elsewhere);
  }
  const arrived = new Set(moved.values());
  return gaps.flatMap((gap) => gapEdits(gap, moved, arrived));
}

/** Events that neither log has elsewhere are told in pairs: a changed one as long as both have some. */
function gapEdits(
  { position, expected, actual }: Gap,
  moved: ReadonlyMap<LogEvent, LogEvent>,
  arrived: ReadonlySet<LogEvent>,
): Edit[] {
  const edits: Edit[] = [];
  const found = actual.filter((event) => !arrived.has(event));
  let next = 0;
  for (const [i, event] of expected.entries()) {
    const at = { position: position + i, expected: event };
    const elsewhere = moved.get(event);
    const other = elsewhere === undefined ? found[next] : undefined;
    if (elsewhere) edits.push({ kind: 'moved', ...at, actual: elsewhere });
    else if (other) edits.push({ kind: 'changed', ...at, actual: other });
    else edits.push({ kind: 'missing', ...at });
    if (other) next++;
  }
  const end = position + expected.length;
  return [...edits, ...found.slice(next).map((event) => ({ kind: 'extra' as const, position: end, actual: event }))];
}

/** What lies between the events of the longest common subsequence. */
function gapsOf(golden: readonly LogEvent[], actual: readonly LogEvent[], key: (event: LogEvent) => string): Gap[] {
  const [a, b] = [golden.map(key), actual.map(key)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [middleA, middleB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const gaps: Gap[] = [];
  let [i, j] = [0, 0];
  for (const [nextI, nextJ] of [...commonPairs(middleA, middleB), [middleA.length, middleB.length] as const]) {
    if (nextI > i || nextJ > j) {
      const expected = golden.slice(start + i, start + nextI);
      gaps.push({ position: start + i, expected, actual: actual.slice(start + j, start + nextJ) });
    }
    [i, j] = [nextI + 1, nextJ + 1];
  }
  return gaps;
}

/** The places of a longest common subsequence; of lists that are too long for it, the places where both agree. */
function commonPairs(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  if (a.length * b.length > maxCells) return a.flatMap((key, i) => (key === b[i] ? [[i, i] as const] : []));
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * width + j;
      lengths[at] = a[i] === b[j] ? lengths[at + width + 1]! + 1 : Math.max(lengths[at + width]!, lengths[at + 1]!);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const at = i * width + j;
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (lengths[at + width]! >= lengths[at + 1]!) i++;
    else j++;
  }
  return pairs;
}

const verbs: Readonly<Record<Edit['kind'], (expected: string, found: string) => string>> = {
  changed: (expected, found) =>
    expected === found ? `${found}: other content` : `expected ${expected}; found ${found}`,
  missing: (expected) => `missing: ${expected}`,
  extra: (_expected, found) => `extra: ${found}`,
  moved: (expected) => `at another place: ${expected}`,
};

function differenceOf(pcr: number, edit: Edit, bank: Bank): LogDifference {
  const line = (event: LogEvent | undefined) => (event === undefined ? 'nothing' : describe(event, bank));
  return { pcr, ...edit, text: verbs[edit.kind](line(edit.expected), line(edit.actual)) };
}
