import type { Bank } from '@vouchsafe/eventlog/algorithms';
import type { LogEvent } from '@vouchsafe/eventlog/event';
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
    const log = appraisal.get('log');
    const separators = firstSeparators(log.events, appraisal.input.challenge.bank);
    const missing = neverEmpty
      .filter((pcr) => !separators.has(pcr))
      .map((pcr) =>
        fail('eventlog.boot', `PCR ${pcr} has no separator: the firmware did not measure this boot`, { pcr }),
      );
    const errors = [...separators]
      .filter(([, state]) => state === 'error')
      .map(([pcr]) => fail('eventlog.boot', `PCR ${pcr}: the firmware reported an error`, { pcr }));
    return [...missing, ...errors];
  },
};

/** The first separator of each PCR: later ones may have been added by whoever ran afterwards. */
function firstSeparators(events: readonly LogEvent[], bank: Bank): Map<number, SeparatorState> {
  const found = new Map<number, SeparatorState>();
  for (const event of events) {
    const state = found.has(event.pcr) ? undefined : separatorOf(event, bank);
    if (state !== undefined) found.set(event.pcr, state);
  }
  return found;
}
