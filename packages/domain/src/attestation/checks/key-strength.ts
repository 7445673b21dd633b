import { createHash } from 'node:crypto';
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
    const name = createHash('sha256').update(challenge.ekPublic).update(' ').update(challenge.ak).digest('base64');
    if (strong.has(name)) return [];
    const found = weaknesses(decodePublic(challenge.ekPublic), decodePublic(challenge.ak));
    if (strong.size >= limit) strong.clear();
    if (found.length === 0) strong.add(name);
    return found;
  },
};

/** Pairs of keys without fault: keys do not change, and the same ones come again with every attestation. */
const strong = new Set<string>();
const limit = 20_000;

const weaknesses = (ek: TpmtPublic, ak: TpmtPublic): Finding[] => [
  ...whyWeak(ek).map((why) => fail('ek.weak', `the endorsement key: ${why}`)),
  ...rocaFindings('ek.roca', 'endorsement', ek),
  ...whyWeak(ak).map((why) => fail('ak.weak', `the attestation key: ${why}`)),
  ...rocaFindings('ak.roca', 'attestation', ak),
];

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
