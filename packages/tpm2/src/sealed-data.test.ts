import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { handlesFrom } from './commands/get-capability.ts';
import { isResponse } from './response-error.ts';
import { maxSealedBytes, openSealedData, sealData } from './sealed-data.ts';
import { recording } from './testing/recording.ts';
import { Swtpm, withoutSwtpm } from './testing/swtpm.ts';
import { Tpm } from './tpm.ts';
import { SocketTransport } from './transport/socket.ts';

test('sealed data open on the TPM that sealed them, and cross its bus concealed both ways', {
  skip: withoutSwtpm,
}, async () => {
  await using swtpm = await Swtpm.start();
  const wire: Uint8Array[] = [];
  await using tpm = new Tpm(recording(await SocketTransport.open(swtpm.address), wire));
  for (const length of [1, 32, maxSealedBytes]) {
    const plain = randomBytes(length);
    using data = Secret.take(new Uint8Array(plain));
    const sealed = await sealData(tpm, data);
    using opened = await openSealedData(tpm, sealed);
    assert.deepEqual(
      opened.use((bytes) => Buffer.from(bytes)),
      plain,
    );
    if (length > 1) assert.ok(!wire.some((bytes) => Buffer.from(bytes).includes(plain)));
  }
  for (const first of [0x02000000, 0x80000000]) assert.deepEqual(await handlesFrom(tpm, first), []);
});

test('another TPM opens nothing, nor what was changed', { skip: withoutSwtpm }, async () => {
  await using one = await Swtpm.start();
  await using other = await Swtpm.start();
  await using tpm = await one.connect();
  await using theirs = await other.connect();
  using data = Secret.take(new Uint8Array(32).fill(7));
  const sealed = await sealData(tpm, data);
  await assert.rejects(openSealedData(theirs, sealed), (error) => isResponse(error, 'TPM_RC_INTEGRITY'));
  const changed = { ...sealed, privateArea: sealed.privateArea.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) };
  await assert.rejects(openSealedData(tpm, changed), (error) => isResponse(error, 'TPM_RC_INTEGRITY'));
  for (const first of [0x02000000, 0x80000000]) assert.deepEqual(await handlesFrom(tpm, first), []);
});
