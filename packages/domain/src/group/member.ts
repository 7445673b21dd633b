import type { KeyObject, X509Certificate } from 'node:crypto';
import Type from 'typebox';
import { GroupId } from '../attestation/claims.ts';
import { EcJwk, jwkOf, thumbprint } from '../keys/jwk.ts';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import { readStatement, type StatementKind, signStatement } from './certified-jws.ts';
import type { Group } from './group.ts';
import { whyNotInRole } from './role.ts';

/** A member: thumbprint (RFC 7638) of its identity key `id-sig`. */
export const MemberId = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
export const MemberName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$' });
export const MemberUrl = Type.String({ pattern: '^https://[^/\\s]+$', maxLength: 512 });

const about = { v: Type.Literal(1), group: GroupId, id: MemberId, name: MemberName, by: MemberId };

/** That a host is a member, in the words of the member that says so. */
export const MemberEntry = Type.Object(
  {
    ...about,
    /** Where the other members reach it. */
    url: MemberUrl,
    /** Its keys: `sig` signs, to `enc` secrets are sealed. */
    sig: EcJwk,
    enc: EcJwk,
    /** Seconds since 1970. */
    added: Type.Integer({ minimum: 0 }),
    /** Counts up with each statement about the same member. */
    gen: Type.Integer({ minimum: 1, maximum: 2 ** 31 }),
  },
  { additionalProperties: false },
);
export type MemberEntry = Type.Static<typeof MemberEntry>;

/** That a host is no member any more, whatever anybody says later. */
export const Tombstone = Type.Object(
  { ...about, removed: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
);
export type Tombstone = Type.Static<typeof Tombstone>;

export type MemberStatement = MemberEntry | Tombstone;

const kind: StatementKind = {
  typ: 'vs-member+jws',
  name: 'a statement about a member',
  limit: 8192,
  refuse: (why, cause) => untrusted(why, cause),
};

const read = jsonReader('statement about a member', Type.Union([MemberEntry, Tombstone]));

/** Signs a statement with the identity key of a member. */
export const signMember = (key: KeyObject, certificate: X509Certificate, statement: MemberStatement): Promise<string> =>
  signStatement(kind, key, certificate, statement);

/**
 * Checks a statement: signed by a key that the group CA certified for the role member, about this group. Whether the
 * signer still counts is decided over the whole list.
 *
 * @param now seconds since 1970
 * @throws {Problem} `member.untrusted`
 */
export async function readMember(jws: string, group: Group, now: number): Promise<MemberStatement> {
  const { text, signer } = await readStatement(kind, jws);
  const statement = statementOf(text);
  const why = whyNotInRole(signer, group, 'member', now) ?? whyNotConsistent(statement, signer, group);
  if (why !== undefined) throw untrusted(why);
  return statement;
}

function whyNotConsistent(statement: MemberStatement, signer: X509Certificate, group: Group): string | undefined {
  if (statement.group !== group.id) return `it is about group ${statement.group}`;
  if (statement.by !== memberIdOf(signer)) return 'it is signed by another member than it says';
  if ('sig' in statement && statement.id !== thumbprint(statement.sig)) return 'its id is not that of its key';
  return undefined;
}

function statementOf(text: string): MemberStatement {
  try {
    return read(text);
  } catch (cause) {
    throw untrusted((cause as Error).message, cause);
  }
}

/** The member that a certificate is for. */
export const memberIdOf = ({ publicKey }: X509Certificate): string => thumbprint(jwkOf(publicKey));

const untrusted = (why: string, cause?: unknown): Problem =>
  new Problem('member.untrusted', `statement about a member: ${why}`, { cause });
