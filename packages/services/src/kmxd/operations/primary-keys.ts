import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { PrimaryKeyStep } from '../primary-key-steps.ts';
import type { KmxdContext } from './context.ts';

const Drop = Type.Object(
  { uid: PrimaryKeyStep.properties.uid, force: PrimaryKeyStep.properties.force },
  { additionalProperties: false },
);

/** Rotation of primary keys. It begins with `PATCH master_key_id`. */
export const primaryKeyOperations = ({ providers, rotations }: KmxdContext): Operation[] => [
  operation(
    {
      name: 'kms.providers.primary-keys.step',
      method: 'POST',
      path: '/kms/providers/:provider/primary-keys',
      grant: 'SECURITY_MGMT',
      summary: 'Do one step of a rotation on this host alone, as another member asks for it',
      body: PrimaryKeyStep,
    },
    (step, { params: { provider = '' } }) => rotations.obey(providers.get(provider), step),
  ),
  operation(
    {
      name: 'kms.providers.primary-keys.drop',
      method: 'DELETE',
      path: '/kms/providers/:provider/primary-keys',
      grant: 'SECURITY_MGMT',
      summary: 'Cancel a rotation that has not switched yet, or with force delete an old primary key, on all members',
      body: Drop,
    },
    async ({ uid, force = false }, { params: { provider = '' } }) => ({
      members: await rotations.drop(providers.get(provider), uid, force),
    }),
  ),
  query(
    {
      name: 'kms.providers.rotation.get',
      method: 'GET',
      path: '/kms/providers/:provider/rotation',
      grant: 'READ_ONLY',
      summary: 'Show how far the rotation of the primary key is, and which members are behind',
    },
    ({ params: { provider = '' } }) => {
      const found = providers.get(provider);
      return { primary_keys: found.primary_keys, ...(rotations.report(found) ?? { phase: 'none', members: [] }) };
    },
  ),
];
