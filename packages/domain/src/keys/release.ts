import { type KeyObject, X509Certificate } from 'node:crypto';
import { CompactSign, compactVerify, decodeProtectedHeader } from 'jose';
import Type from 'typebox';
import type { Group } from '../group/group.ts';
import { whyNotInRole } from '../group/role.ts';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import { KeyUses, Uuid } from './reference.ts';

const closed = { additionalProperties: false } as const;
const Ciphertext = Type.String({ maxLength: 4096 });

/** The operations of the Key Provider Service for hosts. */
export const releaseOperations = ['generate-key', 'decrypt', 'rewrap'] as const;
export type ReleaseOperation = (typeof releaseOperations)[number];

/** One request carries up to 100 items under one proof and gets one signed answer. */
export const ReleaseRequest = Type.Object(
  {
    items: Type.Array(Type.Object({ prv: Uuid, ct: Type.Optional(Ciphertext) }, closed), {
      minItems: 1,
      maxItems: 100,
    }),
  },
  closed,
);
export type ReleaseRequest = Type.Static<typeof ReleaseRequest>;

/** One item of an answer, in the order of the request: a key sealed to the token's key, or the problem's kind. */
export const ReleaseItem = Type.Object(
  {
    prv: Uuid,
    ct: Type.Optional(Ciphertext),
    key: Type.Optional(Type.String({ maxLength: 2048 })),
    uses: Type.Optional(KeyUses),
    problem: Type.Optional(Type.String({ maxLength: 64 })),
    detail: Type.Optional(Type.String({ maxLength: 512 })),
  },
  closed,
);
export type ReleaseItem = Type.Static<typeof ReleaseItem>;

/** The answer of the Key Provider Service before it is signed. */
export const ReleaseAnswer = Type.Object(
  {
    op: Type.Union([Type.Literal('generate-key'), Type.Literal('decrypt'), Type.Literal('rewrap')]),
    items: Type.Array(ReleaseItem, { minItems: 1, maxItems: 100 }),
    /** `sub` of the token. */
    aud: Type.String({ maxLength: 128 }),
    /** base64url(SHA-256(DPoP proof)) of the request that this answers. */
    req: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    iat: Type.Integer(),
  },
  closed,
);
export type ReleaseAnswer = Type.Static<typeof ReleaseAnswer>;

const typ = 'vs-release+jws';
const read = jsonReader('release answer', ReleaseAnswer);

/** Signs an answer (ES256) with the answer key of this kmxd; the group CA's certificate for it goes with it. */
export async function signAnswer(key: KeyObject, certificate: X509Certificate, answer: ReleaseAnswer): Promise<string> {
  return await new CompactSign(Buffer.from(JSON.stringify(answer)))
    .setProtectedHeader({ alg: 'ES256', typ, x5c: [certificate.raw.toString('base64')] })
    .sign(key);
}

export interface AnswerExpectation {
  readonly op: ReleaseOperation;
  readonly items: ReleaseRequest['items'];
  readonly aud: string;
  readonly req: string;
}

/**
 * Checks that an answer comes from a kmxd of the pinned group and answers exactly our request: TLS says nothing about
 * that, since whoever answers behind it could hand out a key of its own.
 *
 * @param now seconds since 1970
 * @throws {Problem} `service.untrusted`
 */
export async function verifyAnswer(
  jws: string,
  group: Group,
  expected: AnswerExpectation,
  now: number,
): Promise<ReleaseAnswer> {
  const signer = signerOf(jws);
  const why = whyNotInRole(signer, group, 'kmxd', now);
  if (why !== undefined) throw untrusted(why);
  const answer = read(await verifiedText(jws, signer));
  if (answer.req !== expected.req) throw untrusted('it answers another request');
  if (answer.aud !== expected.aud) throw untrusted('it was made for another host');
  if (answer.op !== expected.op) throw untrusted(`it answers ${answer.op}, not ${expected.op}`);
  if (!sameItems(answer.items, expected)) throw untrusted('its items are not those that were asked for');
  return answer;
}

function sameItems(items: readonly ReleaseItem[], { op, items: asked }: AnswerExpectation): boolean {
  if (items.length !== asked.length) return false;
  return items.every((item, i) => item.prv === asked[i]?.prv && (op !== 'decrypt' || item.ct === asked[i]?.ct));
}

function signerOf(jws: string): X509Certificate {
  try {
    const header = decodeProtectedHeader(jws);
    if (header.alg !== 'ES256' || header.typ !== typ || header.x5c?.length !== 1) throw new TypeError('header');
    return new X509Certificate(Buffer.from(String(header.x5c[0]), 'base64'));
  } catch (cause) {
    throw untrusted('its header is not that of a release answer', cause);
  }
}

async function verifiedText(jws: string, signer: X509Certificate): Promise<string> {
  try {
    const { payload } = await compactVerify(jws, signer.publicKey, { algorithms: ['ES256'] });
    return new TextDecoder('utf-8', { fatal: true }).decode(payload);
  } catch (cause) {
    throw untrusted('its signature does not hold', cause);
  }
}

const untrusted = (why: string, cause?: unknown): Problem =>
  new Problem('service.untrusted', `answer of the Key Provider Service: ${why}`, { cause });
