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
    const { evidence, policy, challenge } = appraisal.input;
    const pcrs = new Set(appraisal.get('pcrs').keys());
    const commandLines = evidence.commandLine === undefined ? [] : [evidence.commandLine];
    const facts = provenFacts(appraisal.get('log'), challenge.bank, { pcrs, commandLines });
    appraisal.prove('facts', facts);
    return facts.findings.flatMap((each) => logFinding(each, policy.rules) ?? []);
  },
};
