import type { KeyObject, X509Certificate } from 'node:crypto';
import { concat } from '@vouchsafe/bytes/hex';
import { Secret } from '@vouchsafe/bytes/secret';
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, FlattenedSign, flattenedVerify } from 'jose';
import Type from 'typebox';
import { GroupId } from '../attestation/claims.ts';
import { type EcJwk, keyOf, thumbprint } from '../keys/jwk.ts';
import { validator } from '../parse.ts';
import { Problem } from '../problem.ts';
import { certificateOf, type Group } from './group.ts';
import { MemberId, memberIdOf } from './member.ts';
import type { MemberSigner } from './member-request.ts';
import { whyNotInRole } from './role.ts';

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
const innerType = 'vs-secret+jws';
const outer = { alg: 'ECDH-ES', enc: 'A256GCM', typ: 'vs-secret+jwe' } as const;
const limit = 64 * 1024;
const newline = 0x0a;

/**
 * Seals a secret to another member: JWE(JWS). The inner JWS (ES256, by the sender's identity key) has its claims in the
 * header and the raw octets as unencoded, detached payload (RFC 7797; RFC 7515, appendix F), so that no string of the
 * secret comes into being; plaintext of the outer JWE is `header..signature`, a line end, and the octets.
 */
export async function sealSecret(
  sender: MemberSigner,
  recipient: EcJwk,
  claims: Omit<SecretClaims, 'iss'>,
  secret: Secret,
): Promise<string> {
  const header = {
    alg: 'ES256',
    b64: false,
    crit: ['b64'],
    typ: innerType,
    x5c: [sender.certificate.raw.toString('base64')],
    claims: { iss: sender.id, ...claims },
  };
  const plaintext = await secret.use(async (bytes) => {
    const signed = await new FlattenedSign(bytes).setProtectedHeader(header).sign(sender.key);
    return concat(Buffer.from(`${signed.protected}..${signed.signature}\n`), bytes);
  });
  try {
    return await new CompactEncrypt(plaintext)
      .setProtectedHeader({ ...outer, kid: thumbprint(recipient) })
      .encrypt(keyOf(recipient, 'enc'));
  } finally {
    plaintext.fill(0);
  }
}

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

/**
 * Opens a secret that another member sealed to us. An outer JWE alone proves nothing about its sender: anybody can make
 * one to a public key.
 * @throws {Problem} `member.untrusted`
 */
export async function openSecret(
  privateKey: KeyObject,
  sealed: string,
  expected: ExpectedSecret,
): Promise<{ secret: Secret; gen: number }> {
  const plaintext = await decrypt(privateKey, sealed);
  try {
    const end = plaintext.indexOf(newline);
    if (end < 0) throw untrusted('it is not signed');
    const [header = '', empty, signature = '', ...rest] = Buffer.from(plaintext.subarray(0, end)).toString().split('.');
    if (empty !== '' || rest.length > 0) throw untrusted('its signature is not a detached one');
    const bytes = plaintext.subarray(end + 1);
    const { claims, signer } = signedClaims(header);
    await flattenedVerify({ protected: header, signature, payload: bytes }, signer.publicKey, {
      algorithms: ['ES256'],
    }).catch((cause) => Promise.reject(untrusted('its signature does not hold', cause)));
    const why = whyNotExpected(claims, signer, expected);
    if (why !== undefined) throw untrusted(why);
    return { secret: Secret.take(bytes), gen: claims.gen };
  } finally {
    plaintext.fill(0);
  }
}

async function decrypt(privateKey: KeyObject, sealed: string): Promise<Uint8Array> {
  if (sealed.length > limit) throw untrusted(`it is longer than ${limit} characters`);
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, privateKey, {
      keyManagementAlgorithms: [outer.alg],
      contentEncryptionAlgorithms: [outer.enc],
    });
    if (protectedHeader.typ !== outer.typ) throw new TypeError('typ');
    return plaintext;
  } catch (cause) {
    throw untrusted('it is not sealed to the key of this member', cause);
  }
}

function signedClaims(encoded: string): { claims: SecretClaims; signer: X509Certificate } {
  try {
    const header = decodeProtectedHeader({ protected: encoded });
    if (header.alg !== 'ES256' || header.typ !== innerType || header.b64 !== false || header.x5c?.length !== 1)
      throw new TypeError('header');
    const signer = certificateOf(Buffer.from(String(header.x5c[0]), 'base64'), 'x5c');
    return { claims: readClaims(header.claims), signer };
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
