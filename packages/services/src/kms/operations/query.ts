import {
  hasOperation,
  type OperationName,
  type RequestOf,
  type ResponseOf,
} from '@vouchsafe/kmip/operations/operation';
import { operations } from '@vouchsafe/kmip/operations/operations';
import type { query as operation } from '@vouchsafe/kmip/operations/query';
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
      objectTypes: asked.has('Query Objects') ? [...objectTypes] : [],
      vendor: asked.has('Query Server Information') ? 'Vouchsafe' : undefined,
      applicationNamespaces: [],
      extensions: [],
      attestationTypes: [],
      rngs: asked.has('Query RNGs') ? [{ ...generator }] : [],
      profiles: [],
      validations: [],
      capabilities: asked.has('Query Capabilities') ? [...capabilities] : [],
      registrationMethods: [],
    };
  };
