import { type Certificate, isSelfIssued } from './certificate.ts';
import { extensionIds, keyUsageBits } from './extensions.ts';
import { namesRefused } from './name-constraints.ts';
import { whyWeak } from './public-key-info.ts';

/** An authority in a path, and where it stands. */
export interface PathPlace {
  readonly issuer: Certificate;
  /** The certificates below it, the leaf first. */
  readonly below: readonly Certificate[];
  /** It is a pinned root. */
  readonly root: boolean;
  /** What it must be allowed to certify keys for, when it states purposes. */
  readonly purpose: string;
  /** Seconds since 1970. */
  readonly now: number;
}

/** What an authority must obey. */
export interface PathRule {
  readonly id: string;
  readonly stops: string;
  /** Why the authority may not stand here; undefined when it may. */
  readonly whyNot: (place: PathPlace) => string | undefined;
}

const anyPurpose = '2.5.29.37.0';

const when = (applies: boolean, why: string): string | undefined => (applies ? why : undefined);

/** The rules of RFC 5280, 6.1, for the authorities of a path, and ours. */
export const pathRules: readonly PathRule[] = [
  {
    id: 'ca',
    stops: 'the certificate of a TPM, of a server or of anybody that issues certificates',
    whyNot: ({ issuer: { extensions } }) => when(extensions.basicConstraints?.ca !== true, 'is no CA'),
  },
  {
    id: 'key-usage',
    stops: 'a key of a CA that is meant for other signatures',
    whyNot: ({ issuer: { extensions } }) =>
      when(extensions.keyUsage?.has(keyUsageBits.keyCertSign) === false, 'may not sign certificates'),
  },
  {
    id: 'not-before',
    stops: 'a CA whose time has not come',
    whyNot: ({ issuer, now }) => when(issuer.notBefore > now, 'is not valid yet'),
  },
  {
    id: 'not-after',
    stops: 'an old CA whose key nobody guards any more',
    whyNot: ({ issuer, now }) => when(issuer.notAfter < now, 'has expired'),
  },
  {
    id: 'path-length',
    stops: 'a CA for end certificates that makes further CAs',
    whyNot({ issuer: { extensions }, below }) {
      const most = extensions.basicConstraints?.pathLength ?? Number.POSITIVE_INFINITY;
      const authorities = below.slice(1).filter((each) => !isSelfIssued(each)).length;
      return when(authorities > most, `may have ${most} authorities below it, not ${authorities}`);
    },
  },
  {
    id: 'purpose',
    stops: 'a CA for other purposes, such as servers, that certifies endorsement keys',
    whyNot({ issuer: { extensions }, purpose }) {
      const stated = extensions.extendedKeyUsage ?? [anyPurpose];
      return when(!stated.includes(purpose) && !stated.includes(anyPurpose), 'may not certify endorsement keys');
    },
  },
  {
    id: 'critical',
    stops: 'a CA whose limits are not understood here',
    whyNot({ issuer }) {
      const critical = unsupportedCritical(issuer);
      return when(critical !== undefined, `has the critical extension ${critical}, which is not supported`);
    },
  },
  {
    id: 'key',
    stops: 'a CA whose key can be computed',
    whyNot({ issuer: { publicKey } }) {
      const weak = publicKey.key === undefined ? undefined : whyWeak(publicKey.key);
      return when(weak !== undefined, `has ${weak}`);
    },
  },
  {
    id: 'sha1',
    stops: 'a CA certificate that was made to collide with another',
    whyNot: ({ issuer, root }) => when(issuer.algorithm.hash === 'sha1' && !root, 'is certified with SHA-1'),
  },
  { id: 'names', stops: 'a CA of one maker that certifies TPMs of another', whyNot: constraintFault },
];

/** RFC 5280, 4.2.1.10: not for authorities that only renewed their own name, unless they stand at the end. */
function constraintFault({ issuer, below }: PathPlace): string | undefined {
  const { nameConstraints } = issuer.extensions;
  if (nameConstraints === undefined) return undefined;
  for (const [i, certificate] of below.entries()) {
    if (i > 0 && isSelfIssued(certificate)) continue;
    const alternatives = certificate.extensions.subjectAltName ?? [];
    const why = namesRefused({ subject: certificate.subject.rdns, alternatives }, nameConstraints);
    if (why !== undefined) return `does not allow the names below it: ${why}`;
  }
  return undefined;
}

/** Extensions that are understood, or that constrain nothing that is done here. */
const supported: ReadonlySet<string> = new Set([
  extensionIds.basicConstraints,
  extensionIds.keyUsage,
  extensionIds.extendedKeyUsage,
  extensionIds.subjectAltName,
  extensionIds.nameConstraints,
  // No policy is asked for, so any will do (RFC 5280, 6.1.1, d).
  extensionIds.certificatePolicies,
  extensionIds.subjectKeyIdentifier,
  extensionIds.authorityKeyIdentifier,
  extensionIds.crlDistributionPoints,
  extensionIds.authorityInfoAccess,
]);

/** The first critical extension that is not understood (RFC 5280, 4.2). */
export const unsupportedCritical = ({ extensions }: Certificate): string | undefined =>
  [...extensions.raw].find(([id, { critical }]) => critical && !supported.has(id))?.[0];
