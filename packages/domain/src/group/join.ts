import { createHash, createHmac, type KeyObject, type X509Certificate } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { equalBytes } from '@vouchsafe/bytes/equal';
import type { Secret } from '@vouchsafe/bytes/secret';
import Type from 'typebox';
import { GroupId } from '../attestation/claims.ts';
import { type EcPair, jwkOf, thumbprint } from '../keys/jwk.ts';
import { jsonReader, validator } from '../parse.ts';
import { Problem } from '../problem.ts';
import { createRequest, parseRequest } from '../x509/request.ts';
import { certificateOf, type Group } from './group.ts';
import { MemberId, MemberName, MemberUrl } from './member.ts';
import { whyNotInRole } from './role.ts';

const Mac = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
const Pem = Type.String({ maxLength: 16_384 });

/** What the joining host sends: the text that the MAC covers, and the MAC. */
export const JoinMessage = Type.Object(
  {
    /** Id of the invite. */
    invite: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
    /** JSON: name, url and the certificate requests of both identity keys. */
    request: Type.String({ maxLength: 40_000 }),
    mac: Mac,
  },
  { additionalProperties: false },
);
export type JoinMessage = Type.Static<typeof JoinMessage>;

const JoinRequest = Type.Object(
  { group: GroupId, name: MemberName, url: MemberUrl, sig: Pem, enc: Pem },
  { additionalProperties: false },
);

/** What the member answers: the text that the MAC covers, and the MAC. */
export const JoinReply = Type.Object(
  { answer: Type.String({ maxLength: 4 * 1024 * 1024 }), mac: Mac },
  { additionalProperties: false },
);
export type JoinReply = Type.Static<typeof JoinReply>;

const JoinAnswer = Type.Object(
  {
    group: GroupId,
    /** The member that answers. */
    by: MemberId,
    /** Certificates of the group CA for the identity keys, PEM. */
    sig: Pem,
    enc: Pem,
    /** All statements about members, the new one among them. */
    members: Type.Array(Type.String({ maxLength: 8192 }), { maxItems: 4096 }),
  },
  { additionalProperties: false },
);
export type JoinAnswer = Type.Static<typeof JoinAnswer>;

export const readJoinMessage = validator('join', JoinMessage);
export const readJoinReply = validator('answer to the join', JoinReply);
const readRequest = jsonReader('join request', JoinRequest);
const readAnswer = jsonReader('answer to the join', JoinAnswer);

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** HMAC-SHA-256(K, "vouchsafe/join/1" || group || SHA-256(request)); the parts before the hash have fixed lengths. */
function requestMac(secret: Secret, group: string, request: string): Uint8Array {
  return secret.use((key) =>
    createHmac('sha256', key).update('vouchsafe/join/1').update(group).update(sha256(request)).digest(),
  );
}

/** HMAC-SHA-256(K, "vouchsafe/join/1/answer" || group || SHA-256(request) || SHA-256(answer)). */
function answerMac(secret: Secret, group: string, request: string, answer: string): Uint8Array {
  return secret.use((key) =>
    createHmac('sha256', key)
      .update('vouchsafe/join/1/answer')
      .update(group)
      .update(sha256(request))
      .update(sha256(answer))
      .digest(),
  );
}

/** The identity keys of a host: one signs, to the other secrets are sealed. */
export interface IdentityKeys {
  readonly sig: EcPair;
  readonly enc: EcPair;
}

/** The text of a request to join; each certificate request is signed by its own key. */
export async function joinRequest(
  { sig, enc }: IdentityKeys,
  { group, name, url }: { group: string; name: string; url: string },
): Promise<string> {
  const [sigRequest, encRequest] = await Promise.all([
    createRequest({ subject: `member.${name}`, privateKey: sig.privateKey }),
    createRequest({ subject: `member.${name}`, privateKey: enc.privateKey }),
  ]);
  return JSON.stringify({ group, name, url, sig: sigRequest, enc: encRequest });
}

/** The message of the joining host. */
export const joinMessage = (invite: string, secret: Secret, group: string, request: string): JoinMessage => ({
  invite,
  request,
  mac: base64url(requestMac(secret, group, request)),
});

/** Whether a message was made by who has the secret of the invite. Compared in constant time. */
export const joinMacHolds = (secret: Secret, group: string, { request, mac }: JoinMessage): boolean =>
  equalBytes(requestMac(secret, group, request), octets(mac));

/** What a joining host asks for. */
export interface WantedMember {
  readonly name: string;
  readonly url: string;
  readonly sig: KeyObject;
  readonly enc: KeyObject;
}

/**
 * Reads a request whose MAC holds.
 * @throws {Problem} `input.malformed`, `input.invalid`, `invite.refused` when it is for another group
 */
export async function readJoinRequest(request: string, group: string): Promise<WantedMember> {
  const { group: wanted, name, url, ...requests } = readRequest(request);
  if (wanted !== group) throw new Problem('invite.refused', `the request is for group ${wanted}, this is ${group}`);
  const [sig, enc] = [await keyOfRequest('sig', requests.sig), await keyOfRequest('enc', requests.enc)];
  if (sig.equals(enc)) throw new Problem('input.invalid', 'join request: sig and enc: expected two keys');
  return { name, url, sig, enc };
}

async function keyOfRequest(field: string, pem: string): Promise<KeyObject> {
  try {
    const { publicKey } = await parseRequest(pem);
    if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new TypeError('expected a key on P-256');
    return publicKey;
  } catch (cause) {
    throw new Problem('input.malformed', `join request: ${field}: ${(cause as Error).message}`, { cause });
  }
}

/** The member's answer, under the same secret. */
export function joinReply(secret: Secret, request: string, content: JoinAnswer): JoinReply {
  const answer = JSON.stringify(content);
  return { answer, mac: base64url(answerMac(secret, content.group, request, answer)) };
}

/** What the joining host holds after a good answer. */
export interface Joined {
  readonly by: string;
  readonly sig: X509Certificate;
  readonly enc: X509Certificate;
  readonly members: readonly string[];
}

/**
 * Checks the answer: made by who has the secret, to this request, with certificates of the group's CA for our keys.
 * @throws {Problem} `member.untrusted`
 */
export function readJoinAnswer(
  secret: Secret,
  {
    request,
    reply,
    group,
    keys,
    now,
  }: {
    request: string;
    reply: JoinReply;
    group: Group;
    keys: IdentityKeys;
    now: number;
  },
): Joined {
  if (!equalBytes(answerMac(secret, group.id, request, reply.answer), octets(reply.mac)))
    throw untrusted('it was not made by the member that made the invite');
  const answer = readAnswer(reply.answer);
  const [sig, enc] = [certificateOf(answer.sig, 'sig'), certificateOf(answer.enc, 'enc')];
  for (const [name, certificate, { publicKey }] of [
    ['sig', sig, keys.sig],
    ['enc', enc, keys.enc],
  ] as const) {
    const why =
      whyNotInRole(certificate, group, 'member', now) ??
      (certificate.publicKey.equals(publicKey) ? undefined : 'it is for another key');
    if (why !== undefined) throw untrusted(`${name}: ${why}`);
  }
  return { by: answer.by, sig, enc, members: answer.members };
}

/** Id of a host with these keys. */
export const idOfKeys = ({ sig }: IdentityKeys): string => thumbprint(jwkOf(sig.publicKey));

function octets(text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch {
    return new Uint8Array();
  }
}

const untrusted = (why: string): Problem => new Problem('member.untrusted', `answer to the join: ${why}`);
