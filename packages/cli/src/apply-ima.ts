import { ImaListName, readListFile } from '@vouchsafe/domain/attestation/ima/ima-list';
import { ImaSettings } from '@vouchsafe/domain/attestation/ima-policy';
import Type from 'typebox';

const closed = { additionalProperties: false } as const;
const File = Type.String({ maxLength: 4096 });

/** `attestation.ima` of a file for apply: the policy, with keys as files, and lists. */
export const WantedIma = Type.Object(
  {
    policy: Type.Optional(Type.Partial(Type.Object({ ...ImaSettings.properties, keys: Type.Array(File) }), closed)),
    lists: Type.Optional(Type.Array(Type.Object({ file: File, name: Type.Optional(ImaListName) }, closed))),
  },
  closed,
);
export type WantedIma = Type.Static<typeof WantedIma>;

interface ImaStep {
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  readonly says: string;
  readonly body: () => unknown;
}

/** The calls that bring attestd to it; lists before the images that name them. */
export function* imaSteps({ policy, lists = [] }: WantedIma, text: (file: string) => string): Generator<ImaStep> {
  if (policy !== undefined) {
    const body = () => ({ ...policy, ...(policy.keys && { keys: policy.keys.map(text) }) });
    yield { method: 'PATCH', path: '/attestation/ima/policy', says: 'policy of IMA', body };
  }
  for (const { file, name } of lists) {
    const body = () => ({ list: readListFile(file, text(file), new Date(), name) });
    yield { method: 'POST', path: '/attestation/ima/lists', says: `IMA list ${name ?? file}`, body };
  }
}
