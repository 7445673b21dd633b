import { keyOf } from '../../keys/jwk.ts';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/**
 * Stops keys in the claims that are no points of their curve: what is released would be sealed to them, and whoever
 * chose such a point could open it (NIST SP 800-56A, 5.6.2.3). Looked at once, here, so that no token carries one.
 */
export const claimKeys: Check = {
  id: 'claims.keys',
  run(appraisal) {
    const { sig, enc } = appraisal.get('claims');
    return Object.entries({ sig, enc }).flatMap(([field, jwk]) => {
      try {
        keyOf(jwk, field);
        return [];
      } catch (error) {
        return [fail('claims.keys', (error as Error).message)];
      }
    });
  },
};
