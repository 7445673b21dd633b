import { provenFacts } from '@vouchsafe/eventlog/proven';
import type { Check } from '../appraisal.ts';
import { logFinding } from '../log-findings.ts';

/**
 * Takes out of the log what its digests prove, so that no later check has to read a label. Stops a log whose texts were
 * changed where only their hash was measured: the replay cannot see that.
 */
export const eventLogFacts: Check = {
  id: 'eventlog.facts',
  ofLog: true,
  run(appraisal) {
    const quoted = new Set(appraisal.get('pcrs').keys());
    const facts = provenFacts(appraisal.get('log'), appraisal.input.challenge.bank, { pcrs: quoted });
    appraisal.prove('facts', facts);
    return facts.findings.flatMap((each) => logFinding(each) ?? []);
  },
};
