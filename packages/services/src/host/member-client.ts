import { randomUUID } from 'node:crypto';
import type { Group } from '@vouchsafe/domain/group/group';
import { signRequest, verifyMemberAnswer } from '@vouchsafe/domain/group/member-request';
import { parseJson, validator } from '@vouchsafe/domain/parse';
import Type from 'typebox';
import { HttpClient } from '../http/client.ts';
import type { MemberIdentity } from './member-identity.ts';

/** Who is called. */
export interface CalledMember {
  readonly id: string;
  readonly url: string;
}

export interface MemberClientInput {
  readonly group: Group;
  readonly caPem: string;
  readonly identity: MemberIdentity;
  /** Seconds since 1970. */
  readonly now: () => number;
}

const readSigned = validator(
  'answer of a member',
  Type.Object({ answer: Type.String({ maxLength: 16_384 }), body: Type.String() }, { additionalProperties: false }),
);

/** Bytes of the longest answer: a configuration with many base images. */
const answerLimit = 64 * 1024 * 1024;

/** Header that carries the signed request of a member. */
export const memberHeader = 'vouchsafe-member';

/** Calls other members: TLS 1.3 with certificates both ways, and each request and answer signed in itself. */
export class MemberClient {
  readonly #input: MemberClientInput;
  readonly #http: HttpClient;
  readonly #called: CalledMember;

  constructor(input: MemberClientInput, called: CalledMember, timeout = 20_000) {
    this.#input = input;
    this.#called = called;
    const { caPem: ca, identity } = input;
    const tls = { key: identity.keyPem, cert: identity.certificatePem };
    this.#http = new HttpClient({ url: called.url, ca, identity: tls }, { timeout, limit: answerLimit });
  }

  /** @throws {Problem} `service.unreachable`, `member.untrusted`, or what the other member says */
  async call(method: 'GET' | 'POST', path: string, content?: unknown): Promise<unknown> {
    const { group, identity, now } = this.#input;
    const body = content === undefined ? '' : JSON.stringify(content);
    const { id: aud } = this.#called;
    const request = await signRequest(identity, { method, path, body }, { aud, jti: randomUUID(), now: now() });
    const sent = body === '' ? undefined : body;
    const signed = readSigned((await this.#http.call(method, path, sent, { [memberHeader]: request })).body);
    const expected = { group, from: aud, me: identity.id, request, body: signed.body, now: now() };
    await verifyMemberAnswer(signed.answer, expected);
    return parseJson('answer of a member', signed.body);
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}
