import { whyWeak } from '../../x509/public-key-info.ts';
import type { Appraisal, Check } from '../appraisal.ts';
import { type CertifiedEk, type PresentedEk, rememberEk, rememberedEk } from '../certified-eks.ts';
import { authorityOf, readLinks } from '../ek.ts';
import { type EkLeaf, ekPurpose, mayEncrypt, readEkLeaf, statesPurpose } from '../ek-leaf.ts';
import { type EkQuirk, ekQuirks } from '../ek-quirks.ts';
import type { FindingId } from '../findings.ts';
import type { TpmSettings } from '../policy.ts';
import type { TpmTrust } from '../tpm-trust.ts';
import { type Finding, fail, info, warn } from '../verdict.ts';
import { virtualTpm } from '../virtual-tpms.ts';

const id = 'ek.certificate';

/** Stops TPMs of other makers and made-up TPMs: the EK's certificate must stand under an imported CA. */
export const ekCertificate: Check = {
  id,
  run(appraisal) {
    const { host, policy } = appraisal.input;
    const { settings } = policy;
    // The registry is the list: whoever approved an EK by hand has listed it.
    const listed = host?.state === 'approved' && host.enrolled === 'approved' ? host : undefined;
    const findings = settings.require_certificate_validation
      ? certificateFindings(appraisal, listed !== undefined)
      : [];
    if (settings.require_endorsement_keys && listed === undefined) {
      findings.push(fail('ek.listed', 'the endorsement key is not listed'));
    }
    findings.push(...unidentified(settings, listed !== undefined));
    if (!settings.require_certificate_validation && listed !== undefined) appraisal.prove('tpm', listed.tpm);
    return findings;
  },
};

/** Neither certificate nor list: any software TPM would do, and be told apart from others by nothing but the registry. */
function unidentified(settings: TpmSettings, listed: boolean): Finding[] {
  if (settings.require_certificate_validation || settings.require_endorsement_keys) return [];
  const why = 'the settings ask for no identity of the TPM at all';
  if (!settings.allow_unidentified)
    return [fail('identity.not-required', why, { advice: 'require certificates, listed keys, or both' })];
  if (!listed) return [fail('ek.listed', 'nothing identifies this TPM, and its endorsement key is not listed')];
  return [warn('identity.not-required', `${why}, which allow_unidentified accepts`)];
}

function certificateFindings(appraisal: Appraisal, listed: boolean): Finding[] {
  const { evidence, policy, challenge, now } = appraisal.input;
  const { ekCertificate: leaf, intermediates: links } = evidence;
  const { trust, settings } = policy;
  if (leaf === undefined)
    return [
      fail(id, 'the TPM has no EK certificate', {
        advice: 'require listed endorsement keys instead of certificates, and list this one',
      }),
    ];
  const presented = { ek: challenge.ek, leaf, links, crl: settings.crl };
  const known = rememberedEk(presented, trust, now);
  const certified = known ?? certify(presented, trust, now);
  if (Array.isArray(certified)) return certified;
  if (known === undefined) rememberEk(presented, trust, certified, now);
  const { manufacturer, model, version, quirks } = certified;
  appraisal.prove('tpm', certified.virtual ? 'virtual' : 'hardware');
  appraisal.prove('certificate', { manufacturer, model, version, quirks });
  return [...ageFindings(certified, settings, listed, now), ...notesOf(certified)];
}

/** What the certificates prove, or all that speaks against them. */
function certify({ ek, leaf, links, crl }: PresentedEk, trust: TpmTrust, now: number): CertifiedEk | Finding[] {
  const read = readLeaf(leaf);
  if (Array.isArray(read)) return read;
  const { certificate } = read;
  if (certificate.publicKey.hash !== ek) return [fail(id, 'the certificate is for another key than this EK')];
  const misused = purposeFindings(read);
  if (misused.length > 0) return misused;
  const found = authorityOf({ leaf: certificate, links: readLinks(links), trust, crl, now });
  if ('kind' in found) {
    const { finding, advice } = faults[found.kind];
    return [fail(finding, found.why, { advice })];
  }
  const { authority, path, notes, until } = found;
  const virtual = authority.virtual || virtualTpm(read, path.slice(1)) !== undefined;
  const { certificate: _read, ...said } = read;
  return { ...said, notBefore: certificate.notBefore, notAfter: certificate.notAfter, virtual, notes, until };
}

const faults = {
  unknown: { finding: id, advice: 'import the CA of this TPM maker, and its intermediates: vouchsafe tpm-ca import' },
  issuer: {
    finding: id,
    advice: 'the finding names the authority; ask the TPM maker for a certificate of another one',
  },
  work: { finding: id, advice: 'look at the certificates that this host sends: no TPM needs so many' },
  revoked: {
    finding: 'ek.revoked',
    advice: 'vouchsafe tpm-ca crl list; a revoked TPM is replaced, not approved',
  },
  unchecked: {
    finding: 'ek.revocation-unknown',
    advice: 'vouchsafe tpm-ca update, or vouchsafe tpm-ca crl add FILE',
  },
} as const satisfies Record<string, { finding: FindingId; advice: string }>;

function readLeaf(leaf: Uint8Array): EkLeaf | Finding[] {
  try {
    return readEkLeaf(leaf);
  } catch (error) {
    return [
      fail(id, `the certificate cannot be read: ${(error as Error).message}`, {
        advice: 'vouchsafe inspect cert shows what the TPM holds; list the endorsement key instead',
      }),
    ];
  }
}

/**
 * The CA of an EK may certify other keys too, attestation keys among them, and those may lie outside any TPM: with one of
 * them anybody opens a credential. So a certificate must say in one way or another that it is one of an EK.
 */
function purposeFindings(leaf: EkLeaf): Finding[] {
  const { certificate } = leaf;
  const { basicConstraints, extendedKeyUsage = [] } = certificate.extensions;
  const [purpose, encrypts] = [statesPurpose(certificate), mayEncrypt(certificate)];
  const weak = certificate.publicKey.key === undefined ? 'no readable key' : whyWeak(certificate.publicKey.key);
  if (basicConstraints?.ca === true) return [fail(id, 'the certificate is one of a CA')];
  if (encrypts === false)
    return [
      fail('ek.sign-only', 'the certificate is one of a signing key, such as an AK, not of an endorsement key', {
        advice: 'have the TPM hand out the certificate of its EK',
      }),
    ];
  if (purpose === false)
    return [
      fail(id, `the certificate is for ${extendedKeyUsage.join(', ')}, not for an endorsement key (${ekPurpose})`),
    ];
  if (purpose === undefined && encrypts === undefined && leaf.manufacturer === undefined)
    return [fail(id, 'nothing in the certificate says that it is one of an endorsement key')];
  return weak === undefined ? [] : [fail('ek.weak', `the certificate is for ${weak}`)];
}

/** TPMs outlive their certificates: one that expired counts as long as somebody vouches for the TPM. */
function ageFindings(certified: CertifiedEk, settings: TpmSettings, listed: boolean, now: number): Finding[] {
  const { notBefore, notAfter } = certified;
  if (notBefore > now) return [fail('ek.expired', `the certificate is not valid before ${day(notBefore)}`)];
  if (notAfter >= now) return [];
  const accepted = { accept: true, refuse: false, 'if-listed': listed }[settings.expired_certificates];
  const why = `the certificate expired on ${day(notAfter)}`;
  return [accepted ? info('ek.expired', why) : fail('ek.expired', why)];
}

const notesOf = ({ quirks, notes }: CertifiedEk): Finding[] => [
  ...quirks.map((quirk: EkQuirk) => info(`quirk.${quirk}`, ekQuirks[quirk].says)),
  ...notes.map((note) => warn('ek.revocation-unknown', note)),
];

const day = (seconds: number): string => new Date(Math.min(seconds, 253402300799) * 1000).toISOString().slice(0, 10);
