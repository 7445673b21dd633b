import { hex } from '@vouchsafe/bytes/hex';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { initialValue, replay, startupLocality } from '@vouchsafe/eventlog/replay';
import type { Check } from '../appraisal.ts';
import { type Finding, fail } from '../verdict.ts';

/** PCR 10 belongs to IMA, whose log comes apart from the firmware's: `ima.replay` looks at both. */
const imaPcr = 10;

/** Stops a log that is not the one of this boot: replayed, it must give every quoted value, zeros included. */
export const eventLogReplay: Check = {
  id: 'eventlog.replay',
  gate: true,
  run(appraisal) {
    const { bank } = appraisal.input.challenge;
    const { eventLog } = appraisal.input.evidence;
    if (eventLog === undefined) return [fail(this.id, 'there is no event log')];
    const log = decodeLog(eventLog);
    const replayed = replay(log, bank);
    const locality = startupLocality(log);
    const findings: Finding[] = [];
    for (const [pcr, value] of appraisal.get('pcrs')) {
      if (pcr === imaPcr) continue;
      const expected = replayed.get(pcr) ?? initialValue(bank, pcr, locality);
      if (hex(expected) !== hex(value)) {
        findings.push(fail(this.id, `PCR ${pcr}: the log gives ${hex(expected)}, the TPM has ${hex(value)}`, { pcr }));
      }
    }
    if (findings.length > 0) return findings;
    appraisal.prove('log', log);
    appraisal.prove('replayed', replayed);
    return findings;
  },
};
