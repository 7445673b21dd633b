import Type from 'typebox';
import { type Operation, operation } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { bulkApprovalOf } from '../registry/bulk-approval.ts';
import { RegistryIndex } from '../registry/registry-index.ts';
import { actOf, type RegistryContext } from './context.ts';
import { namedKey, readKey } from './endorsement-key.ts';

/** Most entries of one list. */
export const maxApprovals = 10_000;

const Entry = Type.Object(
  {
    name: Type.Optional(Type.String()),
    scope: Type.Optional(Type.String()),
    ...namedKey,
    link: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
const Approvals = Type.Object(
  {
    entries: Type.Array(Entry, { minItems: 1, maxItems: maxApprovals }),
    /** Says what would be done, and does nothing. */
    dry_run: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** Approval of many endorsement keys at once, from an inventory: all of them, or none. */
export const approvals = ({ configuration, ...context }: RegistryContext): Operation[] => [
  operation(
    {
      name: 'attestation.tpm2.endorsement-keys.approve',
      method: 'POST',
      path: '/attestation/tpm2/endorsement-keys/approvals',
      grant: 'SECURITY_MGMT',
      summary: 'Approve a list of endorsement keys: all of them, or none when one cannot be',
      body: Approvals,
      bodyLimit: 64 * 1024 * 1024,
    },
    ({ entries, dry_run = false }) => {
      const wishes = entries.map(({ name, scope, link, ...key }) => () => ({ ...readKey(key), name, scope, link }));
      const { rows, unchanged } = bulkApprovalOf(new RegistryIndex(configuration.registry), wishes, actOf(context));
      if (!dry_run && rows.length > 0) {
        const records = rows.map(({ ek, name, scope }) =>
          changed('host.approve', 'ek', ek, { name, scope, bulk: rows.length }),
        );
        recorded(context, records, () => configuration.registry.put(...rows));
      }
      return { dry_run, approved: rows, unchanged };
    },
  ),
];
