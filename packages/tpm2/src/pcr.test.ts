import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { concat } from '@vouchsafe/bytes/hex';
import { allocatedPcrs } from './commands/get-capability.ts';
import { pcrEvent } from './commands/pcr-event.ts';
import { pcrExtend } from './commands/pcr-extend.ts';
import { pcrRead } from './commands/pcr-read.ts';
import { scripted } from './testing/scripted.ts';
import { Swtpm, withoutSwtpm } from './testing/swtpm.ts';
import { Tpm } from './tpm.ts';

const skip = withoutSwtpm;
const sha256 = (...parts: Uint8Array[]) =>
  new Uint8Array(
    createHash('sha256')
      .update(concat(...parts))
      .digest(),
  );

test('Part 3, 22.2 and 22.3: PCRs are extended by digest and by event', { skip }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  const digest = sha256(new Uint8Array([1]));
  await pcrExtend(tpm, 8, [{ hashAlg: 'sha256', digest }]);
  const event = new TextEncoder().encode('event');
  const digests = await pcrEvent(tpm, 8, event);
  assert.deepEqual(digests.find(({ hashAlg }) => hashAlg === 'sha256')?.digest, sha256(event));
  const values = await pcrRead(tpm, 'sha256', [8]);
  assert.deepEqual(values.get(8), sha256(sha256(new Uint8Array(32), digest), sha256(event)));
});

test('Part 3, 22.4: all 24 PCRs are read, eight at a time', { skip }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  const all = Array.from({ length: 24 }, (_, pcr) => pcr);
  const values = await pcrRead(tpm, 'sha256', [...all, 3, 3]);
  assert.deepEqual(
    [...values.keys()].sort((a, b) => a - b),
    all,
  );
  assert.deepEqual(values.get(0), new Uint8Array(32));
  assert.deepEqual(values.get(17), new Uint8Array(32).fill(0xff));
  const banks = await allocatedPcrs(tpm);
  assert.deepEqual(banks.find(({ hash }) => hash === 'sha256')?.pcrSelect, all);
});

test('a bank that is not allocated is missing', async () => {
  // Part 3, 22.4: nothing of such a bank is selected in the answer, and no value comes.
  const answer = `80010000001c00000000${'00000015'}${'00000001'}${'000403000000'}${'00000000'}`;
  await assert.rejects(pcrRead(new Tpm(scripted(answer)), 'sha1', [0, 1]), {
    code: 'missing',
    message: 'PCR 0, 1 of bank sha1 cannot be read',
  });
});

test('values of other PCRs than were asked for are refused', async () => {
  const values = `${'00000001'}0020${'00'.repeat(32)}`;
  const other = `80010000003e00000000${'00000015'}${'00000001'}${'000b03000200'}${values}`;
  const few = `80010000003e00000000${'00000015'}${'00000001'}${'000b03030000'}${values}`;
  for (const answer of [other, few])
    await assert.rejects(pcrRead(new Tpm(scripted(answer)), 'sha256', [0, 1]), { code: 'answer' });
});

test('a launch from the platform resets and extends PCR 17', { skip }, async () => {
  await using swtpm = await Swtpm.start();
  await using tpm = await swtpm.connect();
  const block = new Uint8Array(10_000).fill(7);
  await swtpm.control.dynamicLaunch(block);
  assert.deepEqual((await pcrRead(tpm, 'sha256', [17])).get(17), sha256(new Uint8Array(32), sha256(block)));
});
