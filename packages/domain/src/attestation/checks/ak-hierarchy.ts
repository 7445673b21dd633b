import { hex } from '@vouchsafe/bytes/hex';
import { nameOf } from '@vouchsafe/tpm2/name';
import type { Check } from '../appraisal.ts';
import { countersArePlain } from '../boot-record.ts';
import { fail } from '../verdict.ts';

/**
 * Stops a key that is said to be the attestation key of before and stands elsewhere: a key that cannot leave its TPM keeps
 * its Qualified Name, which the TPM itself writes into every quote (TPM 2.0 Part 1, 16).
 */
export const akHierarchy: Check = {
  id: 'ak.hierarchy',
  run(appraisal) {
    const { challenge, lastBoot } = appraisal.input;
    if (lastBoot === undefined || lastBoot.ak !== hex(nameOf(challenge.ak)) || lastBoot.plain !== true) return [];
    if (countersArePlain(challenge.ak, appraisal.get('attest'))) return [];
    return [
      fail('ak.hierarchy', 'the attestation key was a primary key of the endorsement hierarchy, and is none any more'),
    ];
  },
};
