import type { HashName } from '@vouchsafe/tpm2/algorithms';
import { selectionFault } from '@vouchsafe/tpm2/quote-faults';
import type { Check } from '../appraisal.ts';
import { firmwarePcrs } from '../policy.ts';
import { fail } from '../verdict.ts';

/** Stops a quote over fewer or other PCRs than were asked for: the list in the quote itself counts. */
export const quoteSelection: Check = {
  id: 'quote.selection',
  gate: true,
  run(appraisal) {
    const { bank, pcrs, banks = [] } = appraisal.input.challenge;
    const wanted: [HashName, readonly number[]][] = [
      [bank, pcrs],
      ...banks.map((each): [HashName, readonly number[]] => [each, firmwarePcrs]),
    ];
    return wanted.flatMap(([each, selected]) => {
      const fault = selectionFault(appraisal.get('quote'), each, selected);
      return fault === undefined ? [] : [fail(this.id, fault.detail)];
    });
  },
};
