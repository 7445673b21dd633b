import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import Type from 'typebox';
import type { Group } from '../group/group.ts';
import { jsonReader } from '../parse.ts';
import { firstRefusal, type Rule } from '../rules.ts';
import { untrusted } from './signed-answer.ts';

const closed = { additionalProperties: false } as const;

/** Seconds that a migration certificate holds at most: no longer than trust in the host is worth without a new look. */
export const migrationLifetime = 3600;

/** A host asks for a certificate for its migration key. */
export const MigrationRequest = Type.Object(
  {
    /** SubjectPublicKeyInfo of a P-256 key, DER, base64url. */
    spki: Type.String({ pattern: '^[A-Za-z0-9_-]{100,200}$' }),
  },
  closed,
);
export type MigrationRequest = Type.Static<typeof MigrationRequest>;
export const readMigrationRequest = jsonReader('migration request', MigrationRequest);

/** The answer, before it is signed. */
export const MigrationAnswer = Type.Object(
  {
    op: Type.Literal('migration-certificate'),
    /** PEM. */
    certificate: Type.String({ maxLength: 8192 }),
    /** The migration CA that issued it, a sub-CA of the group CA, PEM. */
    ca: Type.String({ maxLength: 8192 }),
    aud: Type.String({ maxLength: 128 }),
    req: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    iat: Type.Integer(),
  },
  closed,
);
export type MigrationAnswer = Type.Static<typeof MigrationAnswer>;
export const readMigrationAnswer = jsonReader('migration answer', MigrationAnswer);

/** What the claims of a host say of its migration key. */
export const migrationClaim = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('base64url');

export const spkiOfKey = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

interface Presented {
  readonly leaf: X509Certificate;
  readonly ca: X509Certificate;
  readonly group: Group;
  readonly key: KeyObject;
  readonly host: string;
  /** Seconds since 1970. */
  readonly now: number;
}

/** What a host refuses of a migration certificate before it shows it to anybody. */
export const migrationRules: readonly Rule<Presented>[] = [
  {
    id: 'migration.ca',
    stops: 'another authority, whose certificates every destination of the attacker has',
    whyNot: ({ ca, group }) =>
      ca.ca && ca.checkIssued(group.ca) && ca.verify(group.ca.publicKey)
        ? undefined
        : `its CA was not issued by the CA of group ${group.id}`,
  },
  {
    id: 'migration.issuer',
    stops: 'a certificate that another authority issued',
    whyNot: ({ leaf, ca }) =>
      !leaf.ca && leaf.checkIssued(ca) && leaf.verify(ca.publicKey) ? undefined : 'its CA did not issue it',
  },
  {
    id: 'migration.key',
    stops: 'a certificate for the key of another host',
    whyNot: ({ leaf, key }) => (leaf.publicKey.equals(key) ? undefined : 'it is for another key'),
  },
  {
    id: 'migration.name',
    stops: 'a certificate in the name of another host',
    whyNot: ({ leaf, host }) => (leaf.subjectAltName === `DNS:${host}` ? undefined : `it is not for ${host} alone`),
  },
  {
    id: 'migration.lifetime',
    stops: 'a certificate that outlives the trust in the host',
    whyNot: ({ leaf, now }) =>
      leaf.validToDate.getTime() / 1000 <= now + migrationLifetime + 60 ? undefined : 'it holds for too long',
  },
];

/** Checks what came. @param now seconds since 1970 @throws {Problem} `service.untrusted` */
export async function checkMigrationCertificate(
  { certificate, ca }: Pick<MigrationAnswer, 'certificate' | 'ca'>,
  expected: Omit<Presented, 'leaf' | 'ca'>,
): Promise<void> {
  const presented = { leaf: new X509Certificate(certificate), ca: new X509Certificate(ca), ...expected };
  const refusal = await firstRefusal(migrationRules, presented);
  if (refusal !== undefined) throw untrusted(`migration certificate: ${refusal.why}`);
}
