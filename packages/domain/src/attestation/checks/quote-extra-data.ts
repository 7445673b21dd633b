import { equalBytes } from '@vouchsafe/bytes/equal';
import type { Check } from '../appraisal.ts';
import { readClaims } from '../claims.ts';
import { extraData } from '../extra-data.ts';
import { fail } from '../verdict.ts';

/**
 * Stops replayed quotes, quotes for another host's challenge, quotes of a TPM without this EK, and claims that were
 * exchanged after the quote was made: all of them are in one digest.
 */
export const quoteExtraData: Check = {
  id: 'quote.extra-data',
  gate: true,
  run(appraisal) {
    const { challenge, evidence } = appraisal.input;
    const expected = extraData(challenge.nonce, challenge.secret, evidence.claims);
    if (!equalBytes(appraisal.get('attest').extraData, expected)) {
      return [
        fail(this.id, 'the quote does not answer this challenge, was made by another TPM, or is over other claims'),
      ];
    }
    appraisal.prove('claims', readClaims(new TextDecoder('utf-8', { fatal: true }).decode(evidence.claims)));
    return [];
  },
};
