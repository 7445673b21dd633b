import type { X509Certificate } from 'node:crypto';
import { constraintsOf } from '../../x509/constraints.ts';
import type { Appraisal, Check } from '../appraisal.ts';
import { type PresentedEk, rememberAuthority, rememberedAuthority } from '../certified-eks.ts';
import { authorityOf, ekHashOfCertificate } from '../ek.ts';
import type { TpmAuthority, TpmTrust } from '../tpm-trust.ts';
import { type Finding, fail } from '../verdict.ts';

const id = 'ek.certificate';

/** Stops TPMs of other makers and made-up TPMs: the EK's certificate must stand under an imported CA. */
export const ekCertificate: Check = {
  id,
  run(appraisal) {
    const { host, policy } = appraisal.input;
    const { settings } = policy;
    // The registry is the list: whoever approved an EK by hand has listed it.
    const listed = host?.state === 'approved' && host.enrolled === 'approved' ? host : undefined;
    const findings = settings.require_certificate_validation ? certificateFindings(appraisal) : [];
    if (settings.require_endorsement_keys && listed === undefined) {
      findings.push(fail('ek.listed', 'the endorsement key is not listed'));
    }
    if (!settings.require_certificate_validation && !settings.require_endorsement_keys) {
      findings.push(
        fail('identity.not-required', 'the settings ask for no identity of the TPM at all', {
          advice: 'require certificates, listed keys, or both',
        }),
      );
    }
    if (!settings.require_certificate_validation && listed !== undefined) appraisal.prove('tpm', listed.tpm);
    return findings;
  },
};

function certificateFindings(appraisal: Appraisal): Finding[] {
  const { evidence, policy, challenge, now } = appraisal.input;
  const { ekCertificate: leaf, intermediates } = evidence;
  if (leaf === undefined)
    return [
      fail(id, 'the TPM has no EK certificate', {
        advice: 'require listed endorsement keys instead of certificates, and list this one',
      }),
    ];
  const presented = { ek: challenge.ek, leaf, intermediates };
  const { trust } = policy;
  const known = rememberedAuthority(presented, trust, now);
  const authority = known ?? certifyingAuthority(presented, trust, now);
  if (Array.isArray(authority)) return authority;
  if (known === undefined) rememberAuthority(presented, trust, authority, now);
  appraisal.prove('tpm', authority.virtual ? 'virtual' : 'hardware');
  return [];
}

/** The authority behind the certificates, or all that speaks against them. */
function certifyingAuthority(
  { ek, leaf, intermediates }: PresentedEk,
  { authorities }: TpmTrust,
  now: number,
): TpmAuthority | Finding[] {
  if (ekHashOfCertificate(leaf) !== ek) return [fail(id, 'the certificate is for another key than this EK')];
  if (leaf.ca) return [fail(id, 'the certificate is one of a CA')];
  const misused = purposeFindings(leaf);
  if (misused.length > 0) return misused;
  const authority = authorityOf(leaf, intermediates, authorities, now);
  return typeof authority === 'string'
    ? [fail(id, authority, { advice: 'import the CA of this TPM maker' })]
    : authority;
}

/** tcg-kp-EKCertificate (TCG EK Credential Profile, Extended Key Usage). */
const ekPurpose = '2.23.133.8.1';

/**
 * The CA of an EK may certify other keys too, attestation keys among them, and those may lie outside any TPM: with one of
 * them anybody opens a credential. Some makers state no purpose, but all of them how the key may be used.
 */
function purposeFindings(leaf: X509Certificate): Finding[] {
  const { keyUsage: purposes } = leaf;
  if (constraintsOf(leaf).encrypts === false)
    return [
      fail('ek.sign-only', 'the certificate is one of a signing key, such as an AK, not of an endorsement key', {
        advice: 'have the TPM hand out the certificate of its EK',
      }),
    ];
  if (purposes === undefined || purposes.includes(ekPurpose)) return [];
  return [fail(id, `the certificate is for ${purposes.join(', ')}, not for an endorsement key (${ekPurpose})`)];
}
