import { akFaults } from '@vouchsafe/tpm2/ak-faults';
import { decodePublic } from '@vouchsafe/tpm2/public';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

/** Stops a key that signs foreign data, or that can leave its TPM, in the place of an attestation key. */
export const akAttributes: Check = {
  id: 'ak.attributes',
  gate: true,
  run(appraisal) {
    const ak = decodePublic(appraisal.input.challenge.ak);
    appraisal.prove('ak', ak);
    return akFaults(ak).map((fault) => fail(this.id, fault.detail));
  },
};
