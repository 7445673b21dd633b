import type { PcrValues } from '@vouchsafe/tpm2/quote-digest';
import { pcrDigestFault, quotedValues } from '@vouchsafe/tpm2/quote-faults';
import { signingSchemeOf } from '@vouchsafe/tpm2/signing-scheme';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/** Stops PCR values that the TPM does not vouch for. Values of unquoted PCRs are dropped, never evaluated. */
export const quoteDigest: Check = {
  id: 'quote.digest',
  gate: true,
  run(appraisal) {
    const { challenge, evidence } = appraisal.input;
    const { bank, banks = [] } = challenge;
    const values: PcrValues = { [bank]: evidence.pcrs };
    for (const each of banks) values[each] = evidence.banks?.get(each) ?? new Map();
    const fault = pcrDigestFault(appraisal.get('quote'), values, signingSchemeOf(appraisal.get('ak')).hash);
    if (fault !== undefined) return [fail(this.id, fault.detail)];
    const quoted = quotedValues(appraisal.get('quote'), values);
    appraisal.prove('pcrs', quoted[bank] ?? new Map());
    appraisal.prove('banks', new Map(banks.map((each) => [each, quoted[each] ?? new Map()])));
    return [];
  },
};
