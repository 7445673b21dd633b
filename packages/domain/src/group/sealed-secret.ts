import type { KeyObject, X509Certificate } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import Type from 'typebox';
import { GroupId } from '../attestation/claims.ts';
import type { EcJwk } from '../keys/jwk.ts';
import { validator } from '../parse.ts';
import { Problem } from '../problem.ts';
import type { Group } from './group.ts';
import { MemberId, memberIdOf } from './member.ts';
import type { MemberSigner } from './member-request.ts';
import { whyNotInRole } from './role.ts';
import { openStatement, type SealedKind, sealStatement } from './sealed-statement.ts';

/** What is said of a secret that goes from one member to another. */
const SecretClaims = Type.Object(
  {
    iss: MemberId,
    aud: MemberId,
    group: GroupId,
    /** Name of the secret, for instance `group-ca-key`. */
    sub: Type.String({ maxLength: 256 }),
    /** Counts up with every new value of it. */
    gen: Type.Integer({ minimum: 0, maximum: 2 ** 31 }),
    iat: Type.Integer(),
  },
  { additionalProperties: false },
);
export type SecretClaims = Type.Static<typeof SecretClaims>;

const readClaims = validator('claims of a secret', SecretClaims);
const kind: SealedKind = {
  inner: 'vs-secret+jws',
  outer: 'vs-secret+jwe',
  certificates: 1,
  limit: 64 * 1024,
  signer: 'a member',
  recipient: 'this member',
  refuse: (why, cause) => untrusted(why, cause),
};

/** Seals a secret to another member; see `sealStatement`. */
export const sealSecret = (
  { id, key, certificate }: MemberSigner,
  recipient: EcJwk,
  claims: Omit<SecretClaims, 'iss'>,
  secret: Secret,
): Promise<string> =>
  sealStatement(kind, { key, certificates: [certificate] }, recipient, { iss: id, ...claims }, secret);

export interface ExpectedSecret {
  readonly group: Group;
  /** The member that was asked for it. */
  readonly from: string;
  readonly me: string;
  readonly sub: string;
  /** The generation that is here; a lower one is refused. */
  readonly gen: number;
  readonly now: number;
}

/** Opens a secret that another member sealed to us. @throws {Problem} `member.untrusted` */
export async function openSecret(
  privateKey: KeyObject,
  sealed: string,
  expected: ExpectedSecret,
): Promise<{ secret: Secret; gen: number }> {
  const { claims: stated, certificates, bytes } = await openStatement(kind, privateKey, sealed);
  try {
    const claims = claimsOf(stated);
    const why = whyNotExpected(claims, certificates[0], expected);
    if (why !== undefined) throw untrusted(why);
    return { secret: Secret.take(bytes), gen: claims.gen };
  } finally {
    bytes.fill(0);
  }
}

function claimsOf(stated: unknown): SecretClaims {
  try {
    return readClaims(stated);
  } catch (cause) {
    throw untrusted('it is not signed by a member', cause);
  }
}

function whyNotExpected(claims: SecretClaims, signer: X509Certificate, expected: ExpectedSecret): string | undefined {
  const { group, from, me, sub, gen, now } = expected;
  return (
    whyNotInRole(signer, group, 'member', now) ??
    (memberIdOf(signer) === from && claims.iss === from ? undefined : 'another member signed it') ??
    (claims.group === group.id ? undefined : `it belongs to group ${claims.group}`) ??
    (claims.aud === me ? undefined : 'it was signed for another member') ??
    (claims.sub === sub ? undefined : `it is ${claims.sub}, not ${sub}`) ??
    (claims.gen >= gen ? undefined : `its generation ${claims.gen} is below ${gen}, which is here`)
  );
}

const untrusted = (why: string, cause?: unknown): Problem =>
  new Problem('member.untrusted', `secret of a member: ${why}`, { cause });
