import { bootOf, type Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/**
 * Stops evidence that leaves out a log which is not held for this very boot: another host's, or one of an earlier boot or
 * policy. It stands behind the proof, so nobody else learns what is held, and before the challenge is used up, so the
 * host can send its logs with the same quote.
 */
export const evidenceHeld: Check = {
  id: 'evidence.held',
  gate: true,
  run(appraisal) {
    const { evidence, challenge, held } = appraisal.input;
    if (evidence.reference === undefined) return [];
    const log = held?.(bootOf(challenge, appraisal.get('attest')));
    if (log === undefined || log.sha256 !== evidence.reference.eventLog)
      return [fail('evidence.held', 'the event log that the evidence refers to is not held for this boot')];
    appraisal.prove('held', log);
    return [];
  },
};
