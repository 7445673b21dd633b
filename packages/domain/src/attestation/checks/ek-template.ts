import { matchTemplate } from '@vouchsafe/tpm2/ek-template';
import { decodePublic } from '@vouchsafe/tpm2/public';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/**
 * Stops a certified key that is no endorsement key: credential activation proves residence only for a restricted
 * decryption key that cannot leave its TPM (TCG EK Credential Profile, annex B).
 */
export const ekTemplate: Check = {
  id: 'ek.template',
  run({ input }) {
    const area = decodePublic(input.challenge.ekPublic);
    if (matchTemplate(area) !== undefined) return [];
    return [
      fail('ek.template', 'the EK is not made by a template of the TCG EK Credential Profile', {
        advice: 'let the TPM make its default EK anew',
      }),
    ];
  },
};
