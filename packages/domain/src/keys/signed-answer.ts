import { type KeyObject, X509Certificate } from 'node:crypto';
import { CompactSign, compactVerify, decodeProtectedHeader } from 'jose';
import type { Group } from '../group/group.ts';
import { whyNotInRole } from '../group/role.ts';
import { Problem } from '../problem.ts';

const typ = 'vs-answer+jws';

/** What every answer of the Key Provider Service says of itself. */
export interface AnswerFrame {
  readonly op: string;
  /** `sub` of the token: the host that it is for. */
  readonly aud: string;
  /** base64url(SHA-256(DPoP proof)) of the request that it answers. */
  readonly req: string;
  /** Seconds since 1970. */
  readonly iat: number;
}

/** Signs an answer (ES256) with the answer key of this kmxd; the group CA's certificate for it goes with it. */
export async function signAnswer(key: KeyObject, certificate: X509Certificate, answer: AnswerFrame): Promise<string> {
  return await new CompactSign(Buffer.from(JSON.stringify(answer)))
    .setProtectedHeader({ alg: 'ES256', typ, x5c: [certificate.raw.toString('base64')] })
    .sign(key);
}

/**
 * Checks that an answer comes from a kmxd of the pinned group and answers our request. TLS says nothing about that:
 * whoever answers behind it could hand out a key of its own.
 *
 * @param read checks the form of the answer's text
 * @param now seconds since 1970
 * @throws {Problem} `service.untrusted`
 */
export async function verifyAnswer<A extends AnswerFrame>(
  jws: string,
  group: Group,
  read: (text: string) => A,
  expected: Omit<AnswerFrame, 'iat'>,
  now: number,
): Promise<A> {
  const signer = signerOf(jws);
  const why = whyNotInRole(signer, group, 'kmxd', now);
  if (why !== undefined) throw untrusted(why);
  const answer = read(await verifiedText(jws, signer));
  if (answer.req !== expected.req) throw untrusted('it answers another request');
  if (answer.aud !== expected.aud) throw untrusted('it was made for another host');
  if (answer.op !== expected.op) throw untrusted(`it answers ${answer.op}, not ${expected.op}`);
  return answer;
}

function signerOf(jws: string): X509Certificate {
  try {
    const header = decodeProtectedHeader(jws);
    if (header.alg !== 'ES256' || header.typ !== typ || header.x5c?.length !== 1) throw new TypeError('header');
    return new X509Certificate(Buffer.from(String(header.x5c[0]), 'base64'));
  } catch (cause) {
    throw untrusted('its header is not that of an answer', cause);
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

export const untrusted = (why: string, cause?: unknown): Problem =>
  new Problem('service.untrusted', `answer of the Key Provider Service: ${why}`, { cause });
