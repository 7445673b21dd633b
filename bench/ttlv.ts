/**
 * TTLV decode and encode of the answer to a Get of an AES-256 key, on one core. Prints JSON, operations per second.
 *
 *     node bench/ttlv.ts
 */
import { Secret } from '@vouchsafe/bytes/secret';
import { keyOctets } from '@vouchsafe/kmip/managed-object';
import { ResponseMessage } from '@vouchsafe/kmip/message';
import { get } from '@vouchsafe/kmip/operations/get';
import { decodeItem, encodeItem } from '@vouchsafe/kmip/ttlv/item';
import { bound } from '@vouchsafe/kmip/ttlv/lazy';

const encode = (material: Secret) =>
  encodeItem(ResponseMessage, {
    header: { version: { major: 1, minor: 1 }, time: new Date(1_700_000_000_000), attestationTypes: [], batchCount: 1 },
    items: [
      {
        operation: 'Get',
        id: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
        status: 'Success',
        payload: bound(get.response, {
          objectType: 'Symmetric Key',
          id: '1c6f2a52-9f0e-4f5a-9d4c-0c9a7e5b1d11',
          object: {
            type: 'Symmetric Key',
            block: { format: 'Raw', value: { material, attributes: [] }, algorithm: 'AES', length: 256 },
          },
        }),
      },
    ],
  });

const decode = (message: Uint8Array) =>
  keyOctets(decodeItem(ResponseMessage, message).items[0]!.payload!.as(get.response).object)!;

/** Operations per second of the best of five runs: other work on the machine only ever makes a run slower. */
function measure(f: () => void): number {
  const rounds = 40_000;
  const seconds = Array.from({ length: 5 }, () => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < rounds; i++) f();
    return Number(process.hrtime.bigint() - start) / 1e9;
  });
  return Math.round(rounds / Math.min(...seconds));
}

let material = Secret.take(new Uint8Array(32).fill(7));
const message = encode(material);
const figures = {
  bytes: message.length,
  encode: measure(() => encode(material)),
  decode: measure(() => decode(message)),
  both: measure(() => {
    material = decode(encode(material));
  }),
};
process.stdout.write(`${JSON.stringify({ benchmark: 'ttlv', unit: 'operations/s', ...figures })}\n`);
