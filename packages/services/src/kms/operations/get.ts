import { ManagedObject, wipeObject } from '@vouchsafe/kmip/managed-object';
import type { get as operation } from '@vouchsafe/kmip/operations/get';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { decodeItem } from '@vouchsafe/kmip/ttlv/item';
import { type Asked, subject } from './context.ts';

/**
 * KMIP 1.4, 4.11. A key is handed out in every state that it still exists in: some clients fetch it before they
 * activate it, and data must be readable after its key was deactivated or compromised.
 */
export async function get(request: RequestOf<typeof operation>, call: Asked): Promise<ResponseOf<typeof operation>> {
  const object = await subject(request.id, call);
  if (request.wrapping !== undefined) throw new OperationError('Feature Not Supported', 'Key Wrapping Specification');
  if (request.format !== undefined && request.format !== 'Raw')
    throw new OperationError('Key Format Type Not Supported', `${request.format}: expected Raw`);
  if (request.compression !== undefined)
    throw new OperationError('Key Compression Type Not Supported', `${request.compression}: is for public keys`);
  using content = await call.tx.content(object);
  if (content === undefined) throw new OperationError('Item Not Found', 'the object was destroyed');
  const value = content.use((octets) => decodeItem(ManagedObject, octets));
  call.owned.defer(() => wipeObject(value));
  return { objectType: object.type, id: object.id, object: value };
}
