import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { amendmentOf, replacementOf, revocationOf } from '../registry/host-changes.ts';
import { type LastBoots, summariesOf, summaryOf } from '../registry/host-summary.ts';
import { RegistryIndex } from '../registry/registry-index.ts';
import { actOf, type RegistryContext } from './context.ts';
import { namedKey, readKey } from './endorsement-key.ts';

const closed = { additionalProperties: false } as const;
const Update = Type.Object({ name: Type.Optional(Type.String()), scope: Type.Optional(Type.String()) }, closed);
const Revocation = Type.Object({ reason: Type.Optional(Type.String({ maxLength: 256 })) }, closed);
const Replacement = Type.Object(namedKey, closed);

/** The hosts of the registry by name: what an administrator does with a machine and not with a key. */
export const hosts = ({ configuration, store, boots, ...rest }: RegistryContext): Operation[] => {
  const context = { store, ...rest };
  const index = () => new RegistryIndex(configuration.registry);
  const lastBoots: LastBoots = (ek) => boots.of(ek);
  const shown = (name: string) => {
    const rows = configuration.hosts().filter((row) => row.name === name);
    if (rows.length === 0) throw new Problem('object.unknown', `host ${name}`);
    return summaryOf(name, rows, lastBoots);
  };
  return [
    query(
      {
        name: 'attestation.hosts.list',
        method: 'GET',
        path: '/attestation/hosts',
        grant: 'READ_ONLY',
        summary: 'List the hosts of the registry with scope, state, endorsement keys and last attestation',
      },
      () => summariesOf(configuration.hosts(), lastBoots),
    ),
    query(
      {
        name: 'attestation.hosts.get',
        method: 'GET',
        path: '/attestation/hosts/:name',
        grant: 'READ_ONLY',
        summary: 'Show a host of the registry',
      },
      ({ params: { name = '' } }) => shown(name),
    ),
    operation(
      {
        name: 'attestation.hosts.update',
        method: 'PATCH',
        path: '/attestation/hosts/:name',
        grant: 'SECURITY_MGMT',
        summary: 'Give a host another name or scope',
        body: Update,
      },
      (change, { params: { name = '' } }) => {
        const rows = amendmentOf(index(), name, change);
        recorded(context, changed('host.change', 'host', name, change), () => configuration.registry.put(...rows));
        return shown(change.name ?? name);
      },
    ),
    operation(
      {
        name: 'attestation.hosts.revoke',
        method: 'POST',
        path: '/attestation/hosts/:name/revoke',
        grant: 'SECURITY_MGMT',
        summary: 'Revoke a host, by all its endorsement keys; its TPM is refused under any other as well',
        body: Revocation,
      },
      ({ reason }, { params: { name = '' } }) => {
        const rows = revocationOf(index(), name, actOf(rest), reason);
        const eks = rows.map(({ ek }) => ek);
        recorded(context, changed('host.revoke', 'host', name, { eks, ...(reason !== undefined && { reason }) }), () =>
          configuration.registry.put(...rows),
        );
        return { ...shown(name), revoked: eks, epoch: configuration.epoch() };
      },
    ),
    operation(
      {
        name: 'attestation.hosts.replace-tpm',
        method: 'POST',
        path: '/attestation/hosts/:name/replace-tpm',
        grant: 'SECURITY_MGMT',
        summary: 'Put a new TPM into the place of the old one of a host: the old endorsement keys are revoked',
        body: Replacement,
      },
      (key, { params: { name = '' } }) => {
        const rows = replacementOf(index(), name, readKey(key), actOf(rest));
        const revoked = rows.filter(({ state }) => state === 'revoked').map(({ ek }) => ek);
        const approved = rows.at(-1)?.ek;
        const entry = changed('host.replace-tpm', 'host', name, { revoked, approved });
        recorded(context, entry, () => configuration.registry.put(...rows));
        return { ...shown(name), revoked, epoch: configuration.epoch() };
      },
    ),
  ];
};
