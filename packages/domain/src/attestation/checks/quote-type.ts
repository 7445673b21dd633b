import { quoteInfoOf } from '@vouchsafe/tpm2/attest';
import { typeFault } from '@vouchsafe/tpm2/quote-faults';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/** Stops a certification or a time stamp of the same key in the place of a quote. */
export const quoteType: Check = {
  id: 'quote.type',
  gate: true,
  run(appraisal) {
    const attest = appraisal.get('attest');
    const fault = typeFault(attest);
    if (fault !== undefined) return [fail(this.id, fault.detail)];
    appraisal.prove('quote', quoteInfoOf(attest));
    return [];
  },
};
