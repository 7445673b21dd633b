import type { KeyObject, X509Certificate } from 'node:crypto';
import Type from 'typebox';
import { readStatement, type StatementKind, signStatement } from '../group/certified-jws.ts';
import type { Group } from '../group/group.ts';
import { GroupStanding } from '../group/group-standing.ts';
import { whyNotInRole } from '../group/role.ts';
import { EcJwk } from '../keys/jwk.ts';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import { firstRefusal, type Rule } from '../rules.ts';
import { whyNotWorst } from './ear.ts';

/** AR4SI trustworthiness tiers, as EAR (draft-ietf-rats-ear) writes them. */
export const Tier = Type.Union([
  Type.Literal('none'),
  Type.Literal('affirming'),
  Type.Literal('warning'),
  Type.Literal('contraindicated'),
]);
export type Tier = Type.Static<typeof Tier>;

/** Claims of an attestation token: EAT (RFC 9711) and EAR names where they exist, private ones after them. */
export const TokenClaims = Type.Object({
  iss: Type.String({ maxLength: 256 }),
  /** `ek:` and the SHA-256 of the EK's SubjectPublicKeyInfo in hexadecimal. */
  sub: Type.String({ pattern: '^ek:[0-9a-f]{64}$' }),
  /** The group. */
  aud: Type.String({ maxLength: 64 }),
  iat: Type.Integer(),
  exp: Type.Integer(),
  nbf: Type.Optional(Type.Integer()),
  jti: Type.String({ maxLength: 64 }),
  eat_profile: Type.Literal('tag:github.com,2023:veraison/ear'),
  eat_nonce: Type.String({ maxLength: 64 }),
  'ear.verifier-id': Type.Object({ developer: Type.String(), build: Type.String() }),
  submods: Type.Object({
    host: Type.Object({
      'ear.status': Tier,
      'ear.trustworthiness-vector': Type.Object({
        'instance-identity': Tier,
        configuration: Tier,
        executables: Tier,
        'file-system': Tier,
        hardware: Tier,
      }),
      'ear.appraisal-policy-id': Type.String({ maxLength: 512 }),
    }),
  }),
  /** RFC 7800: thumbprint (RFC 7638) of the key that signs proofs of possession. */
  cnf: Type.Object({ jkt: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }) }),
  /** Key that released keys are encrypted to. */
  rel: EcJwk,
  mig: Type.Optional(Type.String({ maxLength: 64 })),
  scope: Type.String({ maxLength: 256 }),
  /** Name of the host in the registry, for people. */
  host: Type.String({ maxLength: 256 }),
  epoch: Type.Integer({ minimum: 0 }),
  img: Type.String({ maxLength: 256 }),
  enrolled: Type.Union([Type.Literal('approved'), Type.Literal('auto')]),
  /** Names the policy of the verdict; see `policyDigest`. */
  policy: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })),
});
export type TokenClaims = Type.Static<typeof TokenClaims>;

/** Seconds that a token lives. */
export const tokenLifetime = 600;
/** Seconds that clocks of Trust Authority hosts may differ. */
export const clockLeeway = 30;

const kind: StatementKind = {
  typ: 'vs-attestation+jwt',
  name: 'an attestation token',
  limit: 16384,
  refuse: (why, cause) => invalid(why, cause),
};

/** Signs a token (ES256) with this instance's own key; the certificate of the group CA for that key goes with it. */
export const signToken = (key: KeyObject, certificate: X509Certificate, claims: TokenClaims): Promise<string> =>
  signStatement(kind, key, certificate, claims);

/** A token whose signature holds, by whomever: nothing of it is believed before the rules were asked. */
export interface ReadToken {
  readonly claims: TokenClaims;
  readonly signer: X509Certificate;
}

/** A token before the group that it is shown to. `now` in seconds since 1970. */
export interface PresentedToken extends ReadToken {
  readonly group: Group;
  /** What the group has taken away. */
  readonly standing: GroupStanding;
  readonly now: number;
}

/** What a token is refused for, in the order in which one would argue. */
export const tokenRules: readonly Rule<PresentedToken>[] = [
  {
    id: 'token.signer',
    stops: 'a token of an attestd outside the group, or signed by another part of the group',
    whyNot: ({ signer, group, now }) => whyNotInRole(signer, group, 'attestd', now, clockLeeway),
  },
  {
    id: 'token.member',
    stops: 'a token of a Trust Authority host that was removed from the group',
    whyNot: ({ signer, standing }) => standing.whySigner(signer),
  },
  {
    id: 'token.group',
    stops: 'a token that was made for another group',
    whyNot: ({ claims, group }) => (claims.aud === group.id ? undefined : `it was made for group ${claims.aud}`),
  },
  {
    id: 'token.expired',
    stops: 'an old token',
    whyNot: ({ claims: { exp }, now }) =>
      exp > now - clockLeeway ? undefined : `it expired ${now - exp} s ago: attest again`,
  },
  {
    id: 'token.future',
    stops: 'a token kept for later',
    whyNot: ({ claims: { iat, nbf = iat }, now }) =>
      Math.max(iat, nbf) <= now + clockLeeway
        ? undefined
        : 'it is from the future: compare the clocks of the Trust Authority hosts',
  },
  {
    id: 'token.ear',
    stops: 'a status that is better than what it was made of',
    whyNot: ({ claims: { submods } }) =>
      whyNotWorst(submods.host['ear.status'], submods.host['ear.trustworthiness-vector']),
  },
  {
    id: 'token.lifetime',
    stops: 'a token that outlives a revocation',
    whyNot: ({ claims: { iat, exp } }) =>
      exp - iat <= tokenLifetime ? undefined : `it lives longer than ${tokenLifetime} s`,
  },
  {
    id: 'token.epoch',
    stops: 'a token from before trust was taken away from an image, a CA or a setting',
    whyNot: ({ claims: { epoch }, standing }) => standing.whyEpoch(epoch),
  },
  {
    id: 'token.denied',
    stops: 'the token of a host that was revoked, also where the registry has not heard of it',
    whyNot: ({ claims: { sub, iat }, standing }) => standing.whyDenied(sub, iat),
  },
];

const read = jsonReader('attestation token', TokenClaims);

/**
 * Checks a token: signed by a key that the group CA certified for the role attestd, made for this group, valid now.
 * No key is ever taken from the header on its own word, and nothing is fetched.
 *
 * @param now seconds since 1970
 * @param standing what the group has taken away; hosts that only receive tokens do not know it
 * @throws {Problem} `token.invalid`
 */
export async function verifyToken(
  token: string,
  group: Group,
  now: number,
  standing = new GroupStanding(),
): Promise<TokenClaims> {
  const found = await readToken(token);
  const refusal = await firstRefusal(tokenRules, { ...found, group, standing, now });
  if (refusal !== undefined) throw invalid(refusal.why);
  return found.claims;
}

/** Form and signature of a token; see `ReadToken`. @throws {Problem} `token.invalid` */
export async function readToken(token: string): Promise<ReadToken> {
  const { text, signer } = await readStatement(kind, token);
  return { claims: claimsOf(text), signer };
}

function claimsOf(text: string): TokenClaims {
  try {
    return read(text);
  } catch (cause) {
    throw invalid((cause as Error).message, cause);
  }
}

const invalid = (why: string, cause?: unknown): Problem =>
  new Problem('token.invalid', `attestation token: ${why}`, { cause });
