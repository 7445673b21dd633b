import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { approvalOf } from '../registry/approval.ts';
import { revocationOf } from '../registry/host-changes.ts';
import { RegistryIndex } from '../registry/registry-index.ts';
import { actOf, type RegistryContext } from './context.ts';
import { namedKey, readKey } from './endorsement-key.ts';

const Create = Type.Object(
  {
    /** May be left out for another key of a TPM that is approved already. */
    name: Type.Optional(Type.String()),
    scope: Type.Optional(Type.String()),
    ...namedKey,
    /** The administrator's word that the key is of the TPM which the host of that name has already. */
    link: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** The rows of the host registry: the endorsement keys that are ours. Listing one approves it. */
export const endorsementKeys = ({ configuration, ...context }: RegistryContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.list',
      method: 'GET',
      path: '/attestation/tpm2/endorsement-keys',
      grant: 'READ_ONLY',
      summary: 'List the endorsement keys with host, scope and state',
    },
    () => configuration.registry.shownRows(),
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
    ({ name, scope, link, ...key }) => {
      const index = new RegistryIndex(configuration.registry);
      const record = approvalOf(index, { ...readKey(key), name, scope, link }, actOf(context));
      const entry = changed('host.approve', 'ek', record.ek, { name: record.name, scope: record.scope });
      recorded(context, entry, () => configuration.registry.put(record));
      return record;
    },
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
      summary: 'Revoke the host that has an endorsement key, by all of its keys',
    },
    ({ params: { ek = '' } }) => {
      const { name } = known(configuration.host(ek), ek);
      const rows = revocationOf(new RegistryIndex(configuration.registry), name, actOf(context));
      const entry = changed('host.revoke', 'host', name, { eks: rows.map((row) => row.ek) });
      recorded(context, entry, () => configuration.registry.put(...rows));
      return rows.find((row) => row.ek === ek);
    },
  ),
  query(
    {
      name: 'attestation.tpm2.endorsement-keys.delete',
      method: 'DELETE',
      path: '/attestation/tpm2/endorsement-keys/:ek',
      grant: 'SECURITY_MGMT',
      summary: 'Remove an endorsement key; one that was revoked is forgotten, and may be approved again',
    },
    ({ params: { ek = '' } }) => {
      const entry = changed('host.revoke', 'ek', ek, { deleted: true });
      recorded(context, entry, () => configuration.deleteHost(ek));
    },
  ),
];

function known(host: HostRecord | undefined, ek: string): HostRecord {
  if (host === undefined) throw new Problem('object.unknown', `endorsement key ${ek}`);
  return host;
}
