import { decodeAttest } from '@vouchsafe/tpm2/attest';
import { decodeSignature } from '@vouchsafe/tpm2/signature';
import { signatureFault } from '@vouchsafe/tpm2/signature-fault';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/** Stops a quote that another key signed. The key is the one of the sealed challenge, never one of the evidence. */
export const quoteSignature: Check = {
  id: 'quote.signature',
  gate: true,
  run(appraisal) {
    const { attest, signature } = appraisal.input.evidence;
    const fault = signatureFault(attest, decodeSignature(signature), appraisal.get('ak'));
    if (fault !== undefined) return [fail(this.id, fault.detail)];
    appraisal.prove('attest', decodeAttest(attest));
    return [];
  },
};
