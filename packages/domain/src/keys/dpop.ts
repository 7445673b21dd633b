import { createHash, type KeyObject } from 'node:crypto';
import { CompactEncrypt, compactDecrypt, compactVerify, decodeProtectedHeader, SignJWT } from 'jose';
import Type from 'typebox';
import { jsonReader, validator } from '../parse.ts';
import { Problem } from '../problem.ts';
import { firstRefusal, type Rule } from '../rules.ts';
import { EcJwk, jwkOf, keyOf, thumbprint } from './jwk.ts';

/** RFC 9449, 4.2, with the hash of the body, so that a request cannot be changed under its proof. */
const ProofClaims = Type.Object(
  {
    jti: Type.String({ minLength: 16, maxLength: 64 }),
    htm: Type.Literal('POST'),
    htu: Type.String({ maxLength: 512 }),
    iat: Type.Integer(),
    /** base64url(SHA-256(access token)). */
    ath: Type.String({ maxLength: 64 }),
    /** base64url(SHA-256(request body)). */
    bh: Type.String({ maxLength: 64 }),
    /** Nonce that this server gave (RFC 9449, 8). */
    nonce: Type.String({ maxLength: 512 }),
  },
  { additionalProperties: false },
);

type ProofClaims = Type.Static<typeof ProofClaims>;

const readClaims = jsonReader('DPoP proof', ProofClaims);
const checkJwk = validator('DPoP proof header jwk', EcJwk);
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('base64url');

/** Seconds that a nonce of a server may be used. */
export const nonceLifetime = 60;

export interface ProofInput {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly token: string;
  readonly url: string;
  readonly body: string;
  readonly nonce: string;
  readonly jti: string;
  /** Seconds since 1970; informative only, the server's nonce decides. */
  readonly now: number;
}

/** Makes a proof of possession for one POST request (RFC 9449, 4.2). */
export async function makeProof(input: ProofInput): Promise<string> {
  const { jti, now, nonce } = input;
  const claims = {
    jti,
    htm: 'POST',
    htu: input.url,
    iat: now,
    ath: sha256(input.token),
    bh: sha256(input.body),
    nonce,
  };
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { ...jwkOf(input.publicKey) } })
    .sign(input.privateKey);
}

export interface ProofExpectation {
  /** `cnf.jkt` of the token. */
  readonly jkt: string;
  readonly token: string;
  /** The configured address of this instance and path, compared exactly. */
  readonly url: string;
  readonly body: string;
  /** Says whether the nonce is one of this server and still fresh. */
  nonceIsFresh(nonce: string): Promise<boolean>;
  /** Enters the jti; false when it was there already. */
  enter(jti: string): boolean;
}

/** A proof whose signature holds under the key that it brings: nothing of it is believed before the rules were asked. */
export interface ReadProof {
  readonly claims: ProofClaims;
  /** Thumbprint (RFC 7638) of its key. */
  readonly jkt: string;
}

/** A proof before what was expected of it. */
export interface PresentedProof extends ReadProof {
  readonly expected: ProofExpectation;
}

/** What a proof is refused for (RFC 9449, 4.3). The last rule uses the proof up. */
export const proofRules: readonly Rule<PresentedProof>[] = [
  {
    id: 'proof.key',
    stops: 'a stolen token: whoever has it lacks the key that it is bound to',
    whyNot: ({ jkt, expected }) =>
      jkt === expected.jkt ? undefined : 'it is not signed by the key that the token is bound to',
  },
  {
    id: 'proof.url',
    stops: 'a proof for one service or operation, used at another',
    whyNot: ({ claims: { htu }, expected: { url } }) =>
      htu === url ? undefined : `it was made for ${htu}, this is ${url}`,
  },
  {
    id: 'proof.token',
    stops: 'a proof made beside another token',
    whyNot: ({ claims, expected }) =>
      claims.ath === sha256(expected.token) ? undefined : 'it was made for another token',
  },
  {
    id: 'proof.body',
    stops: 'a request whose body was exchanged on the way',
    whyNot: ({ claims, expected }) =>
      claims.bh === sha256(expected.body) ? undefined : 'it was made for another request body',
  },
  {
    id: 'proof.nonce',
    stops: 'proofs made in advance, and the nonce of another instance',
    whyNot: async ({ claims, expected }) =>
      (await expected.nonceIsFresh(claims.nonce)) ? undefined : 'the nonce is missing, foreign or too old',
  },
  {
    id: 'proof.once',
    stops: 'a request that is played again',
    whyNot: ({ claims, expected }) => (expected.enter(claims.jti) ? undefined : 'it was used already'),
  },
];

/**
 * Checks a proof of possession (RFC 9449, 4.3).
 * @throws {Problem} `proof.nonce` when a fresh nonce is needed, `proof.invalid` otherwise
 */
export async function verifyProof(proof: string, expected: ProofExpectation): Promise<void> {
  const refusal = await firstRefusal(proofRules, { ...(await readProof(proof)), expected });
  if (refusal?.rule === 'proof.nonce') throw new Problem('proof.nonce', refusal.why);
  if (refusal !== undefined) throw invalid(refusal.why);
}

/** Form and signature of a proof; see `ReadProof`. @throws {Problem} `proof.invalid` */
export async function readProof(proof: string): Promise<ReadProof> {
  if (proof.length > 8192) throw invalid('it is longer than 8192 characters');
  try {
    const header = decodeProtectedHeader(proof);
    if (header.alg !== 'ES256' || header.typ !== 'dpop+jwt') throw new TypeError('expected ES256 and dpop+jwt');
    const jwk = checkJwk(header.jwk);
    const { payload } = await compactVerify(proof, keyOf(jwk, 'jwk'), { algorithms: ['ES256'] });
    return { claims: readClaims(new TextDecoder('utf-8', { fatal: true }).decode(payload)), jkt: thumbprint(jwk) };
  } catch (cause) {
    throw invalid(`it is malformed or its signature does not hold: ${(cause as Error).message}`, cause);
  }
}

const invalid = (why: string, cause?: unknown): Problem =>
  new Problem('proof.invalid', `DPoP proof: ${why}`, { cause });

/** A nonce for proofs: the time, sealed under a key of this process, so nothing needs to be remembered. */
export async function sealNonce(key: KeyObject, now: number): Promise<string> {
  return await new CompactEncrypt(Buffer.from(String(now)))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'vs-nonce+jwe' })
    .encrypt(key);
}

/** Whether a nonce was sealed by this process at most `nonceLifetime` seconds ago. */
export async function nonceIsFresh(key: KeyObject, nonce: string, now: number): Promise<boolean> {
  try {
    const { plaintext, protectedHeader } = await compactDecrypt(nonce, key, {
      keyManagementAlgorithms: ['dir'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
    const age = now - Number(new TextDecoder().decode(plaintext));
    return protectedHeader.typ === 'vs-nonce+jwe' && age >= 0 && age <= nonceLifetime;
  } catch {
    return false;
  }
}

/** SHA-256 of a proof, base64url: what a signed answer names as its request. */
export const proofHash = (proof: string): string => sha256(proof);
