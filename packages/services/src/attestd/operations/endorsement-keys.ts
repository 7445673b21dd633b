import { createHash, createPublicKey } from 'node:crypto';
import { ekHashOfCertificate } from '@vouchsafe/domain/attestation/ek';
import { EkHash, HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { certificateOf } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { AttestdContext } from './context.ts';

const { name: Name, scope: Scope } = HostRecord.properties;

const Create = Type.Object(
  {
    name: Name,
    scope: Type.Optional(Scope),
    public_key: Type.Optional(Type.String({ maxLength: 4096 })),
    certificate: Type.Optional(Type.String({ maxLength: 16384 })),
    /** SHA-256 of the SubjectPublicKeyInfo, for a key that waits for approval or is known from elsewhere. */
    ek: Type.Optional(EkHash),
  },
  { additionalProperties: false },
);
type Create = Type.Static<typeof Create>;

/** The host registry: the endorsement keys that are ours. Listing one approves it. */
export const endorsementKeys = ({ configuration, now, ...context }: AttestdContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.list',
      method: 'GET',
      path: '/attestation/tpm2/endorsement-keys',
      grant: 'READ_ONLY',
      summary: 'List the endorsement keys with host, scope and state',
    },
    () => configuration.hosts(),
  ),
  operation(
    {
      name: 'attestation.tpm2.endorsement-keys.create',
      method: 'POST',
      path: '/attestation/tpm2/endorsement-keys',
      grant: 'SECURITY_MGMT',
      summary: 'Approve an endorsement key',
      body: Create,
    },
    (body) => {
      const ek = ekOf(body);
      refuseTaken(configuration.hosts(), body.name, ek);
      refuseRevoked(configuration.host(ek));
      const pending = configuration.pending().find((host) => host.ek === ek);
      const since = now().toISOString();
      const record: HostRecord = {
        ek,
        name: body.name,
        scope: body.scope ?? 'default',
        state: 'approved',
        tpm: pending?.tpm ?? 'listed',
        enrolled: 'approved',
        by: 'local-root',
        since,
      };
      const entry = changed('host.approve', 'ek', ek, { name: record.name, scope: record.scope });
      recorded(context, entry, () => configuration.putHost(record));
      return record;
    },
  ),
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.pending',
      method: 'GET',
      path: '/attestation/tpm2/endorsement-keys/pending',
      grant: 'READ_ONLY',
      summary: 'List genuine TPMs that wait for approval',
    },
    () => configuration.pending(),
  ),
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.get',
      method: 'GET',
      path: '/attestation/tpm2/endorsement-keys/:ek',
      grant: 'READ_ONLY',
      summary: 'Show an endorsement key',
    },
    ({ params: { ek = '' } }) => known(configuration.host(ek), ek),
  ),
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.revoke',
      method: 'POST',
      path: '/attestation/tpm2/endorsement-keys/:ek/revoke',
      grant: 'SECURITY_MGMT',
      summary: 'Revoke an endorsement key',
    },
    ({ params: { ek = '' } }) => {
      const record: HostRecord = { ...known(configuration.host(ek), ek), state: 'revoked', since: now().toISOString() };
      recorded(context, changed('host.revoke', 'ek', ek, { name: record.name }), () => configuration.putHost(record));
      return record;
    },
  ),
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.delete',
      method: 'DELETE',
      path: '/attestation/tpm2/endorsement-keys/:ek',
      grant: 'SECURITY_MGMT',
      summary: 'Remove an endorsement key',
    },
    ({ params: { ek = '' } }) => {
      const entry = changed('host.revoke', 'ek', ek, { deleted: true });
      recorded(context, entry, () => configuration.deleteHost(ek));
    },
  ),
];

function ekOf({ public_key, certificate, ek }: Create): string {
  const given = [public_key, certificate, ek].filter((each) => each !== undefined).length;
  if (given !== 1) throw new Problem('input.invalid', 'expected exactly one of public_key, certificate and ek');
  if (ek !== undefined) return ek;
  return certificate === undefined
    ? ekOfPem(String(public_key))
    : ekHashOfCertificate(certificateOf(certificate, 'certificate'));
}

function ekOfPem(pem: string): string {
  try {
    const der = createPublicKey(pem).export({ format: 'der', type: 'spki' });
    return createHash('sha256').update(der).digest('hex');
  } catch (cause) {
    throw new Problem('input.malformed', 'public_key: expected a PEM public key', { cause });
  }
}

/** One name is one host: a second EK under it must be approved by its own name. */
function refuseTaken(hosts: readonly HostRecord[], name: string, ek: string): void {
  const other = hosts.find((host) => host.name === name && host.ek !== ek);
  if (other !== undefined) throw new Problem('object.exists', `host ${name} has the endorsement key ${other.ek}`);
}

/** What was revoked comes back only by two deliberate acts. */
function refuseRevoked(host: HostRecord | undefined): void {
  if (host?.state !== 'revoked') return;
  throw new Problem(
    'object.exists',
    `endorsement key ${host.ek} of host ${host.name} was revoked; delete it before it is approved again`,
  );
}

function known(host: HostRecord | undefined, ek: string): HostRecord {
  if (host === undefined) throw new Problem('object.unknown', `endorsement key ${ek}`);
  return host;
}
