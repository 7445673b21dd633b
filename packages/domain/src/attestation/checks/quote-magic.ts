import { magicFault } from '@vouchsafe/tpm2/quote-faults';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/** Stops data that an unrestricted key was asked to sign and that only looks like a quote. */
export const quoteMagic: Check = {
  id: 'quote.magic',
  gate: true,
  run(appraisal) {
    const fault = magicFault(appraisal.get('attest'));
    return fault === undefined ? [] : [fail(this.id, fault.detail)];
  },
};
