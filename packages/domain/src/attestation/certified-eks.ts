import { createHash } from 'node:crypto';
import type { RevocationMode } from '../x509/revocation.ts';
import type { EkLeaf } from './ek-leaf.ts';
import type { TpmTrust } from './tpm-trust.ts';

/** Seconds that a certified EK is believed without another look at its certificates. */
const lifetime = 3600;
/** More EKs than this are not remembered; 10,000 hosts have room for both their EKs. */
const limit = 20_000;

/** What the certificates of an EK have proven; the certificates themselves would fill the memory of a service. */
export interface CertifiedEk extends Omit<EkLeaf, 'certificate'> {
  /** Of the leaf, seconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** The TPM is software: its authority was marked so, or the certificate says it. */
  readonly virtual: boolean;
  /** Revocation lists that are out of date and were used all the same. */
  readonly notes: readonly string[];
  /** Seconds since 1970 until which the same certificates and lists say the same. */
  readonly until: number;
}

/**
 * EKs whose certificates led to an authority. Checking a path costs several signatures and is the same every time, while
 * a host attests every few minutes. Only successes are remembered, and none longer than the first certificate on the way
 * or the first revocation list holds. They belong to one trust (authorities, intermediates and lists): with another
 * everything is looked at again.
 */
const remembered = new WeakMap<TpmTrust, Map<string, CertifiedEk>>();

/** The certificates that an EK was presented with. */
export interface PresentedEk {
  /** SHA-256 of the EK's SubjectPublicKeyInfo, which the leaf was compared with. */
  readonly ek: string;
  readonly leaf: Uint8Array;
  readonly links: readonly Uint8Array[];
  readonly crl: RevocationMode;
}

/** What an EK proved that was presented in the same way a while ago. `now` in seconds since 1970. */
export function rememberedEk(presented: PresentedEk, trust: TpmTrust, now: number): CertifiedEk | undefined {
  const known = remembered.get(trust)?.get(nameOf(presented));
  return known !== undefined && now < known.until ? known : undefined;
}

export function rememberEk(presented: PresentedEk, trust: TpmTrust, certified: CertifiedEk, now: number): void {
  const known = remembered.get(trust) ?? new Map<string, CertifiedEk>();
  remembered.set(trust, known);
  if (known.size >= limit) known.clear();
  known.set(nameOf(presented), { ...certified, until: Math.min(now + lifetime, certified.until) });
}

function nameOf({ ek, leaf, links, crl }: PresentedEk): string {
  const hash = createHash('sha256').update(`${ek} ${crl}`);
  for (const each of [leaf, ...links]) hash.update(` ${each.length} `).update(each);
  return hash.digest('base64url');
}
