import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/**
 * Stops the second use of a challenge. It stands behind the proof, so only who learnt the secret can use a challenge
 * up, and before policy, so of two racers one passes.
 */
export const challengeOnce: Check = {
  id: 'challenge.once',
  gate: true,
  run: ({ input }) =>
    input.consume(input.challenge.jti) ? [] : [fail('challenge.once', 'the challenge was used already')],
};
