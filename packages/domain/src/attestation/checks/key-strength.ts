import { decodePublic, type TpmtPublic } from '@vouchsafe/tpm2/public';
import { publicKeyOf } from '@vouchsafe/tpm2/public-key';
import type { Check } from '../appraisal.ts';
import { hasRocaFingerprint } from '../roca.ts';
import { type Finding, fail } from '../verdict.ts';

/**
 * Stops keys that others can have: whoever knows the private half of an EK opens its challenges, of an AK signs its
 * quotes, outside any TPM.
 */
export const keyStrength: Check = {
  id: 'ek.weak',
  run({ input: { challenge } }) {
    const [ek, ak] = [decodePublic(challenge.ekPublic), decodePublic(challenge.ak)];
    return [
      ...whyWeak(ek).map((why) => fail('ek.weak', `the endorsement key: ${why}`)),
      ...rocaFindings('ek.roca', 'endorsement', ek),
      ...whyWeak(ak).map((why) => fail('ak.weak', `the attestation key: ${why}`)),
      ...rocaFindings('ak.roca', 'attestation', ak),
    ];
  },
};

function whyWeak(area: TpmtPublic): string[] {
  try {
    publicKeyOf(area);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

const rocaFindings = (finding: 'ek.roca' | 'ak.roca', which: string, area: TpmtPublic): Finding[] =>
  area.type === 'rsa' && hasRocaFingerprint(area.unique)
    ? [
        fail(
          finding,
          `the ${which} key was made by a broken generator (CVE-2017-15361): its private half can be computed`,
        ),
      ]
    : [];
