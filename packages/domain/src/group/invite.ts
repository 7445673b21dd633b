import { randomBytes } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { Secret } from '@vouchsafe/bytes/secret';
import Type from 'typebox';
import { GroupId } from '../attestation/claims.ts';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import { groupOf } from './group.ts';
import { MemberName, MemberUrl } from './member.ts';

/** Seconds that an invite counts. */
export const inviteLifetime = 3600;

/**
 * What a person carries from a member to a host that is to become one. Whoever has it before it is used can become a
 * member, so it is a secret.
 */
export const InviteFile = Type.Object(
  {
    kind: Type.Literal('vouchsafe-invite'),
    v: Type.Literal(1),
    /** Names the invite where it was made. */
    id: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
    group: GroupId,
    /** Certificate of the group CA, PEM; `group` is its thumbprint. */
    ca: Type.String({ maxLength: 8192 }),
    /** Where the member is reached that made it. */
    url: MemberUrl,
    /** The name that the host must have; any when there is none. */
    name: Type.Optional(MemberName),
    /** Seconds since 1970. */
    expires: Type.Integer({ minimum: 0 }),
    /** 32 bytes, base64url. */
    secret: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
  },
  { additionalProperties: false },
);
export type InviteFile = Type.Static<typeof InviteFile>;

const read = jsonReader('invite', InviteFile);

/** A new id and secret for an invite. */
export function newInvite(): { readonly id: string; readonly secret: Secret } {
  return { id: base64url(randomBytes(16)), secret: Secret.take(randomBytes(32)) };
}

/**
 * Reads an invite.
 * @throws {Problem} `input.malformed`, `input.invalid` naming the field; `service.untrusted` when its CA is not that of
 * its group
 */
export function readInvite(text: string): InviteFile {
  if (text.length > 16_384) throw new Problem('input.too-large', 'invite: longer than 16384 characters');
  const invite = read(text);
  groupOf(invite.ca, invite.group);
  return invite;
}

/** The secret of an invite. */
export const inviteSecret = ({ secret }: Pick<InviteFile, 'secret'>): Secret => Secret.take(fromBase64url(secret));
