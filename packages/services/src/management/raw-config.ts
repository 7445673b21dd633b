import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';
import { type Operation, operation, query } from './operation.ts';

const Replacement = Type.Object(
  {
    generation: Type.Integer({ minimum: 1 }),
    documents: Type.Array(
      Type.Object(
        { collection: Type.String(), name: Type.String(), body: Type.Unknown() },
        { additionalProperties: false },
      ),
      { maxItems: 100_000 },
    ),
  },
  { additionalProperties: false },
);

/**
 * The raw configuration of a part: how hosts are compared and brought level. A generation that is not newer is
 * refused, so nobody is levelled downwards. Secrets are no part of it.
 */
export const rawConfig = (
  part: 'attestation' | 'kms' | 'trusted-infrastructure',
  store: ConfigStore,
  audit: (entry: AuditEntry) => void,
  reload: () => void,
): Operation[] => [
  query(
    {
      name: `${part}.raw-config.get`,
      method: 'GET',
      path: `/${part}/raw-config`,
      grant: 'SECURITY_MGMT',
      summary: 'Read the whole configuration; ?type=BRIEF leaves the documents out',
    },
    ({ query: { type } }) => {
      const { documents, ...brief } = store.raw();
      return type === 'BRIEF' ? brief : { ...brief, documents };
    },
  ),
  operation(
    {
      name: `${part}.raw-config.set`,
      method: 'PUT',
      path: `/${part}/raw-config`,
      grant: 'SECURITY_MGMT',
      summary: 'Take over a newer configuration',
      body: Replacement,
      bodyLimit: 64 * 1024 * 1024,
    },
    (replacement) => {
      const detail = { generation: replacement.generation };
      audit({
        action: 'config.change',
        actor: { kind: 'user', id: 'local-root' },
        target: { kind: 'raw-config', id: part },
        outcome: 'success',
        detail,
      });
      store.replace(replacement);
      reload();
    },
  ),
];
