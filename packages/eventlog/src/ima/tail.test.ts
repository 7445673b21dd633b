import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyBitFlip, everyTruncation } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { buildIma, type ImaInput } from '../testing/ima.ts';
import { decodeImaLog } from './log.ts';
import { imaTail } from './tail.ts';

const digest = new Uint8Array(32).fill(7);
const inputs: readonly ImaInput[] = [
  { template: 'ima', digest: digest.slice(0, 20), name: 'boot_aggregate' },
  { template: 'ima-ng', digest, name: '/usr/bin/true' },
  { template: 'ima-sig', digest, name: '/usr/bin/false', signature: Uint8Array.of(3, 2, 4, 0, 0) },
  { template: 'ima-ng', digest: new Uint8Array(32), name: '/var/log/open', violation: true },
];
const log = buildIma(inputs);

test('the tail of a log is what was logged after its first entries', () => {
  for (let n = 0; n <= inputs.length; n++)
    assert.deepEqual(imaTail(log, n), buildIma(inputs.slice(n)), `${n} entries are known`);
  assert.equal(imaTail(log, inputs.length + 1), undefined);
  assert.deepEqual(imaTail(new Uint8Array(), 0), new Uint8Array());
});

test('a log that is cut or changed has a tail of whole entries, or an error that names the entry', () => {
  const use = (bytes: Uint8Array) => {
    try {
      const tail = imaTail(bytes, 2);
      if (tail !== undefined) assert.ok(tail.length <= bytes.length);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
      assert.match(error.path, /^ima\[\d+\]\.(name|template_data)$/);
    }
  };
  everyTruncation(log, use);
  everyBitFlip(log, use);
});

test('what the tail leaves out is what the decoder reads before it', () => {
  const whole = decodeImaLog(log);
  assert.deepEqual(
    decodeImaLog(imaTail(log, 2)!).map(({ fields }) => fields.name),
    whole.slice(2).map(({ fields }) => fields.name),
  );
});
