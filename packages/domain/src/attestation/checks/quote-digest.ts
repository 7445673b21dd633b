import { pcrDigestFault, quotedValues } from '@vouchsafe/tpm2/quote-faults';
import { signingSchemeOf } from '@vouchsafe/tpm2/signing-scheme';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/** Stops PCR values that the TPM does not vouch for. Values of unquoted PCRs are dropped, never evaluated. */
export const quoteDigest: Check = {
  id: 'quote.digest',
  gate: true,
  run(appraisal) {
    const { bank } = appraisal.input.challenge;
    const values = { [bank]: appraisal.input.evidence.pcrs };
    const fault = pcrDigestFault(appraisal.get('quote'), values, signingSchemeOf(appraisal.get('ak')).hash);
    if (fault !== undefined) return [fail(this.id, fault.detail)];
    appraisal.prove('pcrs', quotedValues(appraisal.get('quote'), values)[bank] ?? new Map());
    return [];
  },
};
