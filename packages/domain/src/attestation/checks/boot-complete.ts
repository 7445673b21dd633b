import type { Bank } from '@vouchsafe/eventlog/algorithms';
import type { LogEvent } from '@vouchsafe/eventlog/event';
import type { EventLog } from '@vouchsafe/eventlog/log';
import { type SeparatorState, separatorOf } from '@vouchsafe/eventlog/separator';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/** PCRs that every UEFI boot extends before it starts a loader. */
const neverEmpty = [0, 4, 7];

/**
 * Stops a boot without the separators of the firmware, so also an image that was captured from an empty bank, and a boot
 * that the firmware itself marked as failed. It cannot tell who extended: a bank that the firmware left empty can be
 * filled with a whole golden log by the operating system. That is why EKs are approved one by one.
 */
export const bootComplete: Check = {
  id: 'eventlog.boot',
  ofLog: true,
  run(appraisal) {
    return incompleteness(appraisal.get('log'), appraisal.input.challenge.bank).map(({ pcr, detail }) =>
      fail('eventlog.boot', detail, { pcr }),
    );
  },
};

/** What a log lacks of a boot that the firmware measured to its end. */
export function incompleteness({ events }: EventLog, bank: Bank): { pcr: number; detail: string }[] {
  const separators = firstSeparators(events, bank);
  const missing = neverEmpty.filter((pcr) => !separators.has(pcr));
  const failed = [...separators].filter(([, state]) => state === 'error').map(([pcr]) => pcr);
  return [
    ...missing.map((pcr) => ({ pcr, detail: `PCR ${pcr} has no separator: the firmware did not measure this boot` })),
    ...failed.map((pcr) => ({ pcr, detail: `PCR ${pcr}: the firmware reported an error` })),
  ];
}

/** The first separator of each PCR: later ones may have been added by whoever ran afterwards. */
function firstSeparators(events: readonly LogEvent[], bank: Bank): Map<number, SeparatorState> {
  const found = new Map<number, SeparatorState>();
  for (const event of events) {
    const state = found.has(event.pcr) ? undefined : separatorOf(event, bank);
    if (state !== undefined) found.set(event.pcr, state);
  }
  return found;
}
