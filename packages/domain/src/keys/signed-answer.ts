import type { KeyObject, X509Certificate } from 'node:crypto';
import { readStatement, type StatementKind, signStatement } from '../group/certified-jws.ts';
import type { Group } from '../group/group.ts';
import { whyNotInRole } from '../group/role.ts';
import { Problem } from '../problem.ts';
import { firstRefusal, type Rule } from '../rules.ts';

const kind: StatementKind = {
  typ: 'vs-answer+jws',
  name: 'an answer',
  // 100 items, each with a ciphertext and a sealed key of full length.
  limit: 1024 * 1024,
  refuse: (why, cause) => untrusted(why, cause),
};

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
export const signAnswer = (key: KeyObject, certificate: X509Certificate, answer: AnswerFrame): Promise<string> =>
  signStatement(kind, key, certificate, answer);

/** An answer whose signature holds, by whomever: nothing of it is believed before the rules were asked. */
export interface ReadAnswer<A extends AnswerFrame> {
  readonly answer: A;
  readonly signer: X509Certificate;
}

/** An answer before the host that asked. `now` in seconds since 1970. */
export interface PresentedAnswer extends ReadAnswer<AnswerFrame> {
  readonly group: Group;
  readonly expected: Omit<AnswerFrame, 'iat'>;
  readonly now: number;
}

/** What an answer is refused for. */
export const answerRules: readonly Rule<PresentedAnswer>[] = [
  {
    id: 'answer.signer',
    stops: 'a key of the attacker, handed out by the proxy or by anybody else behind the TLS connection',
    whyNot: ({ signer, group, now }) => whyNotInRole(signer, group, 'kmxd', now),
  },
  {
    id: 'answer.request',
    stops: 'an old answer, or one to another request',
    whyNot: ({ answer, expected }) => (answer.req === expected.req ? undefined : 'it answers another request'),
  },
  {
    id: 'answer.host',
    stops: 'an answer for another host',
    whyNot: ({ answer, expected }) => (answer.aud === expected.aud ? undefined : 'it was made for another host'),
  },
  {
    id: 'answer.operation',
    stops: 'an answer to another operation',
    whyNot: ({ answer, expected }) =>
      answer.op === expected.op ? undefined : `it answers ${answer.op}, not ${expected.op}`,
  },
];

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
  const found = await readAnswer(jws, read);
  const refusal = await firstRefusal(answerRules, { ...found, group, expected, now });
  if (refusal !== undefined) throw untrusted(refusal.why);
  return found.answer;
}

/** Form and signature of an answer; see `ReadAnswer`. @throws {Problem} `service.untrusted` */
export async function readAnswer<A extends AnswerFrame>(
  jws: string,
  read: (text: string) => A,
): Promise<ReadAnswer<A>> {
  const { text, signer } = await readStatement(kind, jws);
  try {
    return { answer: read(text), signer };
  } catch (cause) {
    throw untrusted((cause as Error).message, cause);
  }
}

export const untrusted = (why: string, cause?: unknown): Problem =>
  new Problem('service.untrusted', `answer of the Key Provider Service: ${why}`, { cause });
