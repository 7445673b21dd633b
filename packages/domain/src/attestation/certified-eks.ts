import type { X509Certificate } from 'node:crypto';
import type { TpmAuthority, TpmTrust } from './tpm-trust.ts';

/** Seconds that a certified EK is believed without another look at its certificates. */
const lifetime = 3600;
/** More EKs than this are not remembered; 10,000 hosts have room. */
const limit = 20_000;

interface Certified {
  readonly authority: TpmAuthority;
  readonly until: number;
}

/**
 * EKs whose certificates led to an authority. Checking a path costs several signatures and is the same every time, while
 * a host attests every few minutes. Only successes are remembered, and none longer than the first certificate on the way
 * holds. They belong to one trust: with another everything is looked at again.
 */
const remembered = new WeakMap<TpmTrust, Map<string, Certified>>();

/** The certificates that an EK was presented with. */
export interface PresentedEk {
  /** SHA-256 of the EK's SubjectPublicKeyInfo, which the leaf was compared with. */
  readonly ek: string;
  readonly leaf: X509Certificate;
  readonly intermediates: readonly X509Certificate[];
}

/** The authority of an EK that was presented in the same way a while ago. `now` in seconds since 1970. */
export function rememberedAuthority(presented: PresentedEk, trust: TpmTrust, now: number): TpmAuthority | undefined {
  const known = remembered.get(trust)?.get(nameOf(presented));
  return known !== undefined && now < known.until ? known.authority : undefined;
}

export function rememberAuthority(presented: PresentedEk, trust: TpmTrust, authority: TpmAuthority, now: number): void {
  const known = remembered.get(trust) ?? new Map<string, Certified>();
  remembered.set(trust, known);
  if (known.size >= limit) known.clear();
  const links = [...authority.chain, ...presented.intermediates].map((each) => each.validToDate.getTime() / 1000);
  const until = Math.min(now + lifetime, ...links.filter((end) => end > now));
  known.set(nameOf(presented), { authority, until });
}

const nameOf = ({ ek, leaf, intermediates }: PresentedEk): string =>
  [ek, ...[leaf, ...intermediates].map((each) => each.fingerprint256)].join();
