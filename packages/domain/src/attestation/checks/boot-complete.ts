import { provenFacts } from '@vouchsafe/eventlog/proven';
import type { Check } from '../appraisal.ts';
import { type Finding, fail } from '../verdict.ts';

/** PCRs that every UEFI boot extends before it starts a loader. */
const neverEmpty = [0, 4, 7];

/**
 * Stops a boot without the separators of the firmware, so also an image that was captured from an empty bank, and a boot
 * that the firmware itself marked as failed. It cannot tell who extended: a bank that the firmware left empty can be
 * filled with a whole golden log by the operating system. That is why EKs are approved one by one.
 */
export const bootComplete: Check = {
  id: 'eventlog.boot',
  stops: 'a bank that the firmware left empty, or a boot with an error',
  run(appraisal) {
    const log = appraisal.get('log');
    const facts = provenFacts(log, appraisal.input.challenge.bank);
    const findings: Finding[] = [];
    for (const pcr of neverEmpty) {
      if (!facts.separators.has(pcr))
        findings.push(
          fail('eventlog.boot', `PCR ${pcr} has no separator: the firmware did not measure this boot`, { pcr }),
        );
    }
    for (const [pcr, separator] of facts.separators) {
      if (separator.value === 'error')
        findings.push(fail('eventlog.boot', `PCR ${pcr}: the firmware reported an error`, { pcr }));
    }
    return findings;
  },
};
