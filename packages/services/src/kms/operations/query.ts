import type { OperationName, RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { operations } from '@vouchsafe/kmip/operations/operations';
import type { query as operation } from '@vouchsafe/kmip/operations/query';
import type { Asked } from './context.ts';

/** KMIP 1.4, 4.25. What is not known here is passed over. */
export const query =
  () =>
  ({ functions }: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> => {
    const asked = new Set<string>(functions);
    const spoken = Object.values(operations).filter(({ since }) => since.minor <= call.version.minor);
    return {
      operations: asked.has('Query Operations') ? spoken.map(({ name }): OperationName => name) : [],
      objectTypes: asked.has('Query Objects') ? ['Symmetric Key'] : [],
      vendor: asked.has('Query Server Information') ? 'Vouchsafe' : undefined,
      applicationNamespaces: [],
      extensions: [],
    };
  };
