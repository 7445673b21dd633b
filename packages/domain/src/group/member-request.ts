import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import Type from 'typebox';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import { firstRefusal, type Rule } from '../rules.ts';
import { readStatement, type StatementKind, signStatement } from './certified-jws.ts';
import type { Group } from './group.ts';
import { MemberId, memberIdOf } from './member.ts';
import { whyNotInRole } from './role.ts';

/** Seconds that a request counts, either way: clocks of members may differ. */
export const requestLifetime = 60;

const Hash = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });

const RequestClaims = Type.Object(
  {
    iss: MemberId,
    aud: MemberId,
    /** Method, and path with query, as they are called. */
    htm: Type.String({ maxLength: 8 }),
    htu: Type.String({ maxLength: 1024 }),
    /** base64url(SHA-256(body)). */
    bh: Hash,
    jti: Type.String({ minLength: 16, maxLength: 64 }),
    iat: Type.Integer(),
  },
  { additionalProperties: false },
);
type RequestClaims = Type.Static<typeof RequestClaims>;

const AnswerClaims = Type.Object(
  { iss: MemberId, aud: MemberId, req: Hash, bh: Hash, iat: Type.Integer() },
  { additionalProperties: false },
);

const requests: StatementKind = {
  typ: 'vs-member-request+jws',
  name: 'a request of a member',
  limit: 8192,
  refuse: (why, cause) => refused(why, cause),
};
const answers: StatementKind = {
  typ: 'vs-member-answer+jws',
  name: 'an answer of a member',
  limit: 8192,
  refuse: (why, cause) => untrusted(why, cause),
};
const readRequest = jsonReader('request of a member', RequestClaims);
const readAnswer = jsonReader('answer of a member', AnswerClaims);

export const sha256 = (data: string): string => createHash('sha256').update(data).digest('base64url');

/** Who signs: the identity key of a member with its certificate. */
export interface MemberSigner {
  readonly id: string;
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

/** What is called. */
export interface MemberCall {
  readonly method: string;
  /** With query. */
  readonly path: string;
  readonly body: string;
}

/** Signs a request: connections end in proxies, so the authority is in the request itself. */
export const signRequest = (
  { id, key, certificate }: MemberSigner,
  { method, path, body }: MemberCall,
  { aud, jti, now }: { aud: string; jti: string; now: number },
): Promise<string> =>
  signStatement(requests, key, certificate, { iss: id, aud, htm: method, htu: path, bh: sha256(body), jti, iat: now });

/** A request whose signature holds, by whomever, before the member that got it. */
export interface PresentedRequest {
  readonly claims: RequestClaims;
  readonly signer: X509Certificate;
  readonly call: MemberCall;
  readonly group: Group;
  /** The member that got it. */
  readonly me: string;
  readonly now: number;
  readonly isMember: (id: string) => boolean;
  /** Enters the jti; false when it was there already. */
  readonly enter: (jti: string) => boolean;
}

/** What a request of a member is refused for. The last rule uses the request up. */
export const memberRequestRules: readonly Rule<PresentedRequest>[] = [
  {
    id: 'member.signer',
    stops: 'a certificate that anybody but the group CA made, for instance a center that relays',
    whyNot: ({ signer, group, now }) => whyNotInRole(signer, group, 'member', now),
  },
  {
    id: 'member.issuer',
    stops: 'a member that speaks in the name of another',
    whyNot: ({ claims, signer }) =>
      claims.iss === memberIdOf(signer) ? undefined : 'it is signed by another member than it says',
  },
  {
    id: 'member.listed',
    stops: 'a member that was removed, and a certificate of the group CA that nobody listed',
    whyNot: ({ claims, isMember }) => (isMember(claims.iss) ? undefined : `${claims.iss} is no member here`),
  },
  {
    id: 'member.audience',
    stops: 'a request to one member, passed on to another',
    whyNot: ({ claims, me }) => (claims.aud === me ? undefined : `it was made for member ${claims.aud}`),
  },
  {
    id: 'member.call',
    stops: 'a request whose path was exchanged on the way',
    whyNot: ({ claims: { htm, htu }, call: { method, path } }) =>
      htm === method && htu === path ? undefined : `it was made for ${htm} ${htu}`,
  },
  {
    id: 'member.body',
    stops: 'a request whose body was exchanged on the way',
    whyNot: ({ claims, call }) => (claims.bh === sha256(call.body) ? undefined : 'it was made for another body'),
  },
  {
    id: 'member.time',
    stops: 'an old request, and one made in advance',
    whyNot: ({ claims: { iat }, now }) =>
      Math.abs(now - iat) <= requestLifetime
        ? undefined
        : `its time differs by ${now - iat} s from ours: compare the clocks of the Trust Authority hosts`,
  },
  {
    id: 'member.once',
    stops: 'a request that is played again',
    whyNot: ({ claims, enter }) => (enter(claims.jti) ? undefined : 'it was used already'),
  },
];

/** Form and signature of a request; nothing of it is believed before the rules were asked. @throws {Problem} `member.refused` */
export async function readMemberRequest(jws: string): Promise<Pick<PresentedRequest, 'claims' | 'signer'>> {
  const { text, signer } = await readStatement(requests, jws);
  try {
    return { claims: readRequest(text), signer };
  } catch (cause) {
    throw refused((cause as Error).message, cause);
  }
}

/** Checks a request of a member. @returns the id of who made it @throws {Problem} `member.refused` */
export async function verifyRequest(
  jws: string,
  against: Omit<PresentedRequest, 'claims' | 'signer'>,
): Promise<string> {
  const found = await readMemberRequest(jws);
  const refusal = await firstRefusal(memberRequestRules, { ...found, ...against });
  if (refusal !== undefined) throw refused(refusal.why);
  return found.claims.iss;
}

/** Signs an answer to a request. */
export const signMemberAnswer = (
  { id, key, certificate }: MemberSigner,
  { request, body, aud, now }: { request: string; body: string; aud: string; now: number },
): Promise<string> =>
  signStatement(answers, key, certificate, { iss: id, aud, req: sha256(request), bh: sha256(body), iat: now });

/**
 * Checks that an answer comes from the member that was asked, to the request that was made.
 * @throws {Problem} `member.untrusted`
 */
export async function verifyMemberAnswer(
  jws: string,
  expected: { group: Group; from: string; me: string; request: string; body: string; now: number },
): Promise<void> {
  const { text, signer } = await readStatement(answers, jws);
  const claims = answerOf(text);
  const { group, from, me, request, body, now } = expected;
  const why =
    whyNotInRole(signer, group, 'member', now) ??
    (memberIdOf(signer) === from && claims.iss === from ? undefined : 'another member answers') ??
    (claims.aud === me ? undefined : 'it was made for another member') ??
    (claims.req === sha256(request) ? undefined : 'it answers another request') ??
    (claims.bh === sha256(body) ? undefined : 'its content was exchanged');
  if (why !== undefined) throw untrusted(why);
}

function answerOf(text: string) {
  try {
    return readAnswer(text);
  } catch (cause) {
    throw untrusted((cause as Error).message, cause);
  }
}

const refused = (why: string, cause?: unknown): Problem =>
  new Problem('member.refused', `request of a member: ${why}`, { cause });
const untrusted = (why: string, cause?: unknown): Problem =>
  new Problem('member.untrusted', `answer of a member: ${why}`, { cause });
