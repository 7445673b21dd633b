import {
  hasOperation,
  type OperationName,
  type RequestOf,
  type ResponseOf,
} from '@vouchsafe/kmip/operations/operation';
import { operations } from '@vouchsafe/kmip/operations/operations';
import type { query as operation } from '@vouchsafe/kmip/operations/query';
import type { Asked } from './context.ts';

/** KMIP 1.4, 4.25, of the operations that are carried out. What is not known here is passed over. */
export const query =
  (carriedOut: () => readonly string[]) =>
  ({ functions }: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> => {
    const asked = new Set<string>(functions);
    const spoken = Object.values(operations).filter(
      (each) => carriedOut().includes(each.name) && hasOperation(each, call.version),
    );
    return {
      operations: asked.has('Query Operations') ? spoken.map(({ name }): OperationName => name) : [],
      objectTypes: asked.has('Query Objects') ? ['Symmetric Key'] : [],
      vendor: asked.has('Query Server Information') ? 'Vouchsafe' : undefined,
      applicationNamespaces: [],
      extensions: [],
    };
  };
