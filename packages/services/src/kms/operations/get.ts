import type { get as operation } from '@vouchsafe/kmip/operations/get';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { KmsStore } from '../store.ts';
import { type Asked, subject } from './context.ts';

/**
 * KMIP 1.4, 4.11. A key is handed out in every state that it still exists in: some clients fetch it before they
 * activate it, and data must be readable after its key was deactivated or compromised.
 */
export const get =
  (store: KmsStore) =>
  (request: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> => {
    const object = subject(store, request.id, call);
    if (request.wrapping !== undefined) throw new OperationError('Feature Not Supported', 'Key Wrapping Specification');
    if (request.format !== undefined && request.format !== 'Raw')
      throw new OperationError('Key Format Type Not Supported', `${request.format}: expected Raw`);
    if (request.compression !== undefined)
      throw new OperationError('Key Compression Type Not Supported', `${request.compression}: is for public keys`);
    const material = store.material(object);
    if (material === undefined) throw new OperationError('Item Not Found', 'the object was destroyed');
    call.owned.use(material);
    const { algorithm, length } = object;
    return {
      objectType: object.type,
      id: object.id,
      object: {
        type: 'Symmetric Key',
        block: { format: 'Raw', value: { material, attributes: [] }, algorithm, length },
      },
    };
  };
