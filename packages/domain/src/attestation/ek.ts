import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { decodePublic } from '@vouchsafe/tpm2/public';
import { spkiOf } from '@vouchsafe/tpm2/public-key';
import { Problem } from '../problem.ts';
import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { type CertificatePath, findPath, type Links, linksOf, type PathFault } from '../x509/path.ts';
import { type Crls, crlsByIssuer, type RevocationMode, revocationOf } from '../x509/revocation.ts';
import { ekPurpose, readEkLeaf } from './ek-leaf.ts';
import type { TpmAuthority, TpmTrust } from './tpm-trust.ts';

/** Names an endorsement key: SHA-256 of its SubjectPublicKeyInfo, in hexadecimal. */
export function ekHash(ekPublic: Uint8Array): string {
  const area = Buffer.from(ekPublic).toString('latin1');
  const known = hashes.get(area);
  if (known !== undefined) return known;
  const spki = spkiOf(decodePublic(ekPublic));
  if (hashes.size >= maxHashes) hashes.clear();
  const hash = createHash('sha256').update(spki).digest('hex');
  hashes.set(area, hash);
  return hash;
}

/** Hosts come back every few minutes, and to read a key only to name it costs more than a signature. */
const hashes = new Map<string, string>();
const maxHashes = 20_000;

/** The same for the key in a certificate of an EK, as it stands in NV or a file. @throws {Problem} `input.malformed` */
export function ekHashOfCertificate(certificate: Uint8Array | X509Certificate): string {
  return ekKeyOf(certificate).hash;
}

/** The key in a certificate of an EK, and its hash. @throws {Problem} `input.malformed` */
export function ekKeyOf(certificate: Uint8Array | X509Certificate): { readonly key: KeyObject; readonly hash: string } {
  const bytes = certificate instanceof Uint8Array ? certificate : certificate.raw;
  const { key, hash } = publicKeyIn(bytes);
  if (key === undefined || hash === undefined)
    throw new Problem('input.malformed', 'certificate: it holds no public key of a kind that can be read');
  return { key, hash };
}

function publicKeyIn(bytes: Uint8Array) {
  try {
    return readEkLeaf(bytes).certificate.publicKey;
  } catch (cause) {
    throw new Problem('input.malformed', `certificate: ${(cause as Error).message}`, { cause });
  }
}

/** The authority under whose root an EK certificate stands. */
export interface CertifiedBy {
  readonly authority: TpmAuthority;
  readonly path: CertificatePath;
  /** Revocation lists that are out of date and were used all the same. */
  readonly notes: readonly string[];
  /** Seconds since 1970 until which the same certificates and lists say the same. */
  readonly until: number;
}

export interface CertifyInput {
  readonly leaf: Certificate;
  /** Certificates that the host has: links only, trust comes from the pinned roots. */
  readonly links: readonly Certificate[];
  readonly trust: TpmTrust;
  readonly crl: RevocationMode;
  /** Seconds since 1970. */
  readonly now: number;
}

/** Finds the authority behind an EK certificate, or why there is none. */
export function authorityOf({ leaf, links, trust, crl, now }: CertifyInput): CertifiedBy | PathFault {
  const pinned = pinnedBy(trust);
  const search = { leaf, now, purpose: ekPurpose, roots: pinned.roots, links: [pinned.links, linksOf(links)] };
  const path = findPath({ ...search, refused: (each) => revocationOf(each, pinned.crls, crl, now).fault });
  if ('kind' in path) return path;
  const authority = authorityFor(path, trust.authorities);
  if (authority === undefined) return { kind: 'unknown', why: 'no imported CA has the root that it stands under' };
  const { notes, until } = revocationOf(path, pinned.crls, crl, now);
  const ends = path.slice(1).map(({ notAfter }) => notAfter);
  return { authority, path, notes, until: Math.min(until, ...ends) };
}

interface Pinned {
  readonly roots: ReadonlySet<string>;
  readonly links: Links;
  readonly crls: Crls;
}

/** What is made of a trust once and serves every certificate. */
const prepared = new WeakMap<TpmTrust, Pinned>();

function pinnedBy(trust: TpmTrust): Pinned {
  const known = prepared.get(trust);
  if (known !== undefined) return known;
  const { authorities, intermediates, crls } = trust;
  const chains = authorities.flatMap(({ chain }) => chain);
  const roots = new Set(authorities.flatMap((authority) => rootOf(authority)?.fingerprint ?? []));
  const made = { roots, links: linksOf([...chains, ...intermediates]), crls: crlsByIssuer(crls) };
  prepared.set(trust, made);
  return made;
}

const rootOf = ({ chain, under = false }: TpmAuthority): Certificate | undefined => (under ? undefined : chain[0]);

/**
 * The authority with the root of a path. Where several have it, the one counts that pins the issuer of the leaf, and
 * without such a one a virtual one: a host chooses its intermediates, and must not choose to be hardware by them.
 */
function authorityFor(path: CertificatePath, authorities: readonly TpmAuthority[]): TpmAuthority | undefined {
  const [root, issuer] = [path.at(-1)?.fingerprint, path[1]?.fingerprint];
  const owners = authorities.filter((authority) => rootOf(authority)?.fingerprint === root);
  const pinning = authorities
    .filter((authority) => authority.under === true || owners.includes(authority))
    .filter(({ chain }) => chain.some(({ fingerprint }) => fingerprint === issuer))
    .toSorted((a, b) => Number(b.virtual) - Number(a.virtual));
  return pinning[0] ?? owners.find(({ virtual }) => virtual) ?? owners[0];
}

/** Certificates that a host has, as far as they can be read: the others are no links. */
export function readLinks(certificates: readonly Uint8Array[]): Certificate[] {
  return certificates.flatMap((bytes) => {
    try {
      return [readCertificate(bytes)];
    } catch {
      return [];
    }
  });
}
