import { hex } from '@vouchsafe/bytes/hex';
import type { Bank } from './algorithms.ts';
import { describe } from './describe.ts';
import type { LogEvent } from './event.ts';
import type { EventLog } from './log.ts';
import { isExtended } from './replay.ts';

/** The first event of a PCR in which two logs differ. */
export interface LogDifference {
  readonly pcr: number;
  /** `moved`: both logs have both events, in another order. */
  readonly kind: 'changed' | 'missing' | 'extra' | 'moved';
  /** Which event of the PCR it is, counted from 0 in the golden log. */
  readonly position: number;
  readonly expected?: LogEvent;
  readonly actual?: LogEvent;
  /** In an operator's words. */
  readonly text: string;
}

/**
 * Where a log departs from a golden one: for each PCR the first event whose digest differs.
 * Only digests are compared, since nothing else is measured. `pcrs`: which to look at; all that either log extends when absent.
 */
export function diffLogs(golden: EventLog, actual: EventLog, bank: Bank, pcrs?: readonly number[]): LogDifference[] {
  const expected = byPcr(golden);
  const found = byPcr(actual);
  const wanted = pcrs ?? [...new Set([...expected.keys(), ...found.keys()])].sort((a, b) => a - b);
  return wanted.flatMap((pcr) => diffPcr(pcr, expected.get(pcr) ?? [], found.get(pcr) ?? [], bank) ?? []);
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

function diffPcr(pcr: number, golden: LogEvent[], actual: LogEvent[], bank: Bank): LogDifference | undefined {
  const key = (event: LogEvent) => hex(event.digests[bank] ?? new Uint8Array());
  let position = 0;
  const same = () =>
    position < golden.length && position < actual.length && key(golden[position]!) === key(actual[position]!);
  while (same()) position++;
  const expected = golden[position];
  const found = actual[position];
  if (!expected && !found) return undefined;
  const expectedLater =
    expected !== undefined && actual.slice(position + 1).some((event) => key(event) === key(expected));
  const foundLater = found !== undefined && golden.slice(position + 1).some((event) => key(event) === key(found));
  const kind = kindOf(expected, found, expectedLater, foundLater);
  return {
    pcr,
    kind,
    position,
    ...(expected && kind !== 'extra' ? { expected } : {}),
    ...(found && kind !== 'missing' ? { actual: found } : {}),
    text: differenceText(kind, expected, found, bank),
  };
}

function kindOf(
  expected: LogEvent | undefined,
  found: LogEvent | undefined,
  expectedLater: boolean,
  foundLater: boolean,
): LogDifference['kind'] {
  if (!found) return 'missing';
  if (!expected) return 'extra';
  if (expectedLater) return foundLater ? 'moved' : 'extra';
  return foundLater ? 'missing' : 'changed';
}

const verbs: Readonly<Record<LogDifference['kind'], (expected: string, found: string) => string>> = {
  changed: (expected, found) =>
    expected === found ? `${found}: other content` : `expected ${expected}; found ${found}`,
  missing: (expected) => `missing: ${expected}`,
  extra: (_expected, found) => `extra: ${found}`,
  moved: (expected, found) => `order: expected ${expected}; found ${found}`,
};

function differenceText(
  kind: LogDifference['kind'],
  expected: LogEvent | undefined,
  found: LogEvent | undefined,
  bank: Bank,
): string {
  const line = (event: LogEvent | undefined) => (event === undefined ? 'nothing' : describe(event, bank));
  return verbs[kind](line(expected), line(found));
}
