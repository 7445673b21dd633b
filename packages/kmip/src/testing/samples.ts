import { Secret } from '@vouchsafe/bytes/secret';
import type { ProtocolVersion, RequestHeader } from '../message.ts';
import { RequestMessage, ResponseMessage } from '../message.ts';
import { get } from '../operations/get.ts';
import type { Operation, OperationName } from '../operations/operation.ts';
import { encodeItem } from '../ttlv/item.ts';
import { bound, type Lazy } from '../ttlv/lazy.ts';

/** A batch item of a request to be encoded. */
export interface Asking {
  readonly operation: OperationName;
  readonly id?: Uint8Array;
  readonly payload: Lazy;
}

/** One operation as a batch item. */
export const asking = <Request, Response>(
  operation: Operation<Request, Response>,
  request: Request,
  id?: Uint8Array,
): Asking => ({
  operation: operation.name,
  payload: bound(operation.request, request),
  ...(id === undefined ? {} : { id }),
});

/** A request message; header fields may be given. */
export function requestMessage(
  items: readonly Asking[],
  header: Partial<RequestHeader> = {},
  version: ProtocolVersion = { major: 1, minor: 1 },
): Buffer<ArrayBuffer> {
  return encodeItem(RequestMessage, {
    header: { version, attestationTypes: [], batchCount: items.length, ...header },
    items: [...items],
  });
}

/** The answer to a Get of an AES-256 key whose octets are all `fill`. */
export const getAnswer = (fill = 0x5a): Buffer<ArrayBuffer> =>
  encodeItem(ResponseMessage, {
    header: {
      version: { major: 1, minor: 1 },
      time: new Date('2026-01-01T00:00:00Z'),
      attestationTypes: [],
      batchCount: 1,
    },
    items: [
      {
        operation: 'Get',
        id: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
        status: 'Success',
        payload: bound(get.response, {
          objectType: 'Symmetric Key',
          id: 'one',
          object: {
            type: 'Symmetric Key',
            block: {
              format: 'Raw',
              value: { material: Secret.take(new Uint8Array(32).fill(fill)), attributes: [] },
              algorithm: 'AES',
              length: 256,
            },
          },
        }),
      },
    ],
  });
