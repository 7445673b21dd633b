import type { X509Certificate } from 'node:crypto';
import Type from 'typebox';
import { groupIdOf } from '../group/group.ts';
import { whyNotInRole } from '../group/role.ts';
import type { Rule } from '../rules.ts';
import { digestOfPush, isRemoval, type KeyPush, type PushContent } from './push.ts';

/** Seconds that a push counts after it was made, and before by a clock that is ahead. */
export const pushLifetime = 600;
export const pushSkew = 60;

/** What a host keeps of all that it was told of a provider, or of one key of a standard provider. */
export const Told = Type.Object(
  {
    kind: Type.Union([Type.Literal('native'), Type.Literal('standard')]),
    gen: Type.Integer({ minimum: 1 }),
    /** What the push of that generation said. */
    digest: Type.String(),
    removed: Type.Boolean(),
    /** Generation of its last removal: what is older stays gone, also when it was restored since. */
    floor: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type Told = Type.Static<typeof Told>;

/** A push before the host that got it. */
export interface PresentedPush {
  readonly claims: KeyPush;
  readonly signer: X509Certificate;
  readonly ca: X509Certificate;
  /** Thumbprint of the CA that local root pinned; undefined when none is. */
  readonly center: string | undefined;
  readonly me: string;
  /** Seconds since 1970. */
  readonly now: number;
  /** What is known of the provider as a whole, and of the key that a standard push names. */
  readonly provider: Told | undefined;
  readonly key: Told | undefined;
}

/** What a push is about: a key of a standard provider, or a provider. */
const subjectOf = ({ claims, provider, key }: PresentedPush): Told | undefined =>
  'key' in claims && claims.key !== undefined ? key : provider;

/** The removal that stands in the way of a push. */
const removalBefore = ({ provider, key }: PresentedPush): Told | undefined =>
  [provider, key].find((told) => told?.removed === true);

/** What a push of keys is refused for, in the order that it is argued. */
export const pushRules: readonly Rule<PresentedPush>[] = [
  {
    id: 'push.center',
    stops: 'a key of anybody who can reach the host',
    whyNot: ({ claims, signer, ca, center, now }) =>
      center === undefined
        ? 'no center is pinned on this host: set `center` in host.toml, as local root'
        : groupIdOf(ca) !== center || claims.iss !== center
          ? `it is from center ${groupIdOf(ca)}, this host is pinned to ${center}`
          : whyNotInRole(signer, { id: center, ca }, 'center', now),
  },
  {
    id: 'push.audience',
    stops: 'a push to one host, passed on to another',
    whyNot: ({ claims, me }) => (claims.aud === me ? undefined : `it was made for host ${claims.aud}`),
  },
  {
    id: 'push.time',
    stops: 'an old push to a host that was put back to an earlier state',
    whyNot: ({ claims: { iat }, now }) =>
      iat <= now + pushSkew && iat >= now - pushLifetime
        ? undefined
        : `it was made ${now - iat} s ago: compare the clocks of host and center`,
  },
  {
    id: 'push.kind',
    stops: 'a provider that comes back as one of another kind',
    whyNot: ({ claims, provider }) =>
      provider === undefined || provider.kind === claims.kind
        ? undefined
        : `provider ${claims.prv} is a ${provider.kind} one`,
  },
  {
    id: 'push.removed',
    stops: 'a deleted key that is pushed again, by replay or by a center that does not know of its deletion',
    whyNot: (push) => {
      const removal = removalBefore(push);
      if (removal === undefined || isRemoval(push.claims)) return undefined;
      const { restores, gen } = push.claims;
      return restores === removal.gen && gen > removal.gen
        ? undefined
        : `it was removed from this host with generation ${removal.gen}`;
    },
  },
  {
    id: 'push.generation',
    stops: 'an older state of a provider that is played again: a key that was rotated out, a use that was taken back',
    whyNot: (push) => {
      const { claims, provider } = push;
      const known = subjectOf(push);
      const least = Math.max(known?.gen ?? 0, (provider?.floor ?? 0) + (isRemoval(claims) ? 0 : 1));
      return claims.gen >= least ? undefined : `its generation ${claims.gen} is below ${least}, which is here`;
    },
  },
  {
    id: 'push.once',
    stops: 'two contents under one generation',
    whyNot: (push) => {
      const known = subjectOf(push);
      if (known === undefined || push.claims.gen !== known.gen || isRemoval(push.claims)) return undefined;
      return digestOfPush(push.claims) === known.digest
        ? undefined
        : `generation ${known.gen} is here already and says something else`;
    },
  },
];

/** What is known of the subject after a push was taken. */
export function toldBy(claims: PushContent, before: Told | undefined): Told {
  const removed = 'removed' in claims;
  const floor = removed ? claims.gen : (before?.floor ?? 0);
  return { kind: claims.kind, gen: claims.gen, digest: digestOfPush(claims), removed, floor };
}
