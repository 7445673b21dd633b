import { hasType } from '@vouchsafe/kmip/managed-object';
import {
  hasOperation,
  type OperationName,
  type RequestOf,
  type ResponseOf,
} from '@vouchsafe/kmip/operations/operation';
import { operations } from '@vouchsafe/kmip/operations/operations';
import type { query as operation } from '@vouchsafe/kmip/operations/query';
import { rankOfNumbers } from '@vouchsafe/kmip/ttlv/vocabulary';
import { generator } from '../objects/new-object.ts';
import type { Asked } from './context.ts';

type Answer = ResponseOf<typeof operation>;

/** The types of objects that are kept here. */
const objectTypes = [
  'Certificate',
  'Symmetric Key',
  'Public Key',
  'Private Key',
  'Secret Data',
  'Opaque Object',
  'PGP Key',
  'Template',
] as const satisfies Answer['objectTypes'];

const capabilities: NonNullable<Answer['capabilities']> = [
  {
    streaming: false,
    asynchronous: false,
    attestation: false,
    batchUndo: true,
    batchContinue: true,
    unwrap: 'Unspecified',
    destroy: 'Unspecified',
    shredding: 'Unspecified',
    rng: 'Unspecified',
  },
];

const versions = ['1.0', '1.1', '1.2', '1.3', '1.4'] as const;

/** The profiles whose test cases the server passes, by the versions that have a name for each (KMIP 1.4, 9.1.3.2.40). */
const profiles = [
  ...versions.flatMap((version) => [
    `Symmetric Key Lifecycle Server KMIP v${version}` as const,
    `Asymmetric Key Lifecycle Server KMIP v${version}` as const,
    `Symmetric Key Foundry Server KMIP v${version}` as const,
    `Opaque Managed Object Store Server KMIP v${version}` as const,
    `Tape Library Server KMIP v${version}` as const,
  ]),
] satisfies NonNullable<Answer['profiles']>[number]['name'][];

/** KMIP 1.4, 4.25, of the operations that are carried out. What is not known here is passed over. */
export const query =
  (carriedOut: () => readonly string[]) =>
  ({ functions }: RequestOf<typeof operation>, call: Asked): Answer => {
    const asked = new Set<string>(functions);
    const spoken = Object.values(operations).filter(
      (each) => carriedOut().includes(each.name) && hasOperation(each, call.version),
    );
    return {
      operations: asked.has('Query Operations') ? spoken.map(({ name }): OperationName => name) : [],
      objectTypes: asked.has('Query Objects')
        ? objectTypes.filter((type) => hasType(type, rankOfNumbers(call.version.major, call.version.minor)))
        : [],
      vendor: asked.has('Query Server Information') ? 'Vouchsafe' : undefined,
      applicationNamespaces: [],
      extensions: [],
      attestationTypes: [],
      rngs: asked.has('Query RNGs') ? [{ ...generator }] : [],
      profiles: asked.has('Query Profiles') ? profiles.map((name) => ({ name })) : [],
      validations: [],
      capabilities: asked.has('Query Capabilities') ? [...capabilities] : [],
      registrationMethods: [],
    };
  };
