import { provenFacts } from '@vouchsafe/eventlog/proven';
import type { Check } from '../appraisal.ts';
import { type Finding, fail } from '../verdict.ts';

/** PCRs that every UEFI boot extends before it starts a loader. */
const neverEmpty = [0, 4, 7];

/**
 * Stops a bank that the firmware never extended (whoever controls the host can then extend any boot into it), and a
 * boot that the firmware itself marked as failed.
 */
export const bootComplete: Check = {
  id: 'eventlog.boot',
  stops: 'an empty bank that the host filled by itself, or a boot with an error',
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
