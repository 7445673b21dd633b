import Type from 'typebox';
import { type Operation, operation, query } from './operation.ts';
import { changed, type Recorder, recorded } from './recorded.ts';

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

export type Replacement = Type.Static<typeof Replacement>;

/**
 * The raw configuration of a part: how hosts are compared and brought level. A generation that is not newer is
 * refused, so nobody is levelled downwards. Secrets are no part of it.
 *
 * @param takeOver checks every document and replaces the configuration; throws when one is not as the part writes it
 */
export const rawConfig = (
  part: 'attestation' | 'kms' | 'trusted-infrastructure',
  context: Recorder,
  takeOver: (replacement: Replacement) => void,
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
      const { documents, ...brief } = context.store.raw();
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
      const entry = changed('config.change', 'raw-config', part, { generation: replacement.generation });
      recorded(context, entry, () => takeOver(replacement));
    },
  ),
];
