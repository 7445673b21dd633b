import { selectionFault } from '@vouchsafe/tpm2/quote-faults';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/** Stops a quote over fewer or other PCRs than were asked for: the list in the quote itself counts. */
export const quoteSelection: Check = {
  id: 'quote.selection',
  gate: true,
  run(appraisal) {
    const { bank, pcrs } = appraisal.input.challenge;
    const fault = selectionFault(appraisal.get('quote'), bank, pcrs);
    return fault === undefined ? [] : [fail(this.id, fault.detail)];
  },
};
