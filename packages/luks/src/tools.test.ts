import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { inspectLuks } from './inspect.ts';
import { openHeader } from './open.ts';
import { decodeHeader } from './phdr.ts';
import { isVolumeKey } from './slot.ts';
import { addSlot, removeSlot } from './slots.ts';
import {
  lend,
  missing,
  passphraseOf,
  qemuImage,
  qemuMakesLuks,
  qemuSecret,
  run,
  sampleHeader,
  sampleKeys,
  sampleUuid,
  scratch,
  seededBytes,
} from './testing/sample.ts';

const keys = sampleKeys(1);
const noData = new Uint8Array(1 << 20);

test('cryptsetup accepts our header and dumps our volume key', { skip: missing('cryptsetup') }, (t) => {
  const at = scratch(t);
  writeFileSync(at('image'), Buffer.concat([sampleHeader(1), noData]));
  const keyFile = lend(at('passphrase'), keys.passphrase);
  run('cryptsetup', 'open', '--test-passphrase', '--batch-mode', '--key-file', keyFile, at('image'));
  assert.match(run('cryptsetup', 'luksDump', at('image')), new RegExp(`UUID:\\s+${sampleUuid}`));
  run(
    'cryptsetup',
    'luksDump',
    '--dump-volume-key',
    '--batch-mode',
    '--key-file',
    keyFile,
    '--volume-key-file',
    at('key'),
    at('image'),
  );
  keys.volumeKey.use((bytes) => assert.equal(hex(readFileSync(at('key'))), hex(bytes)));
  const other = lend(at('other'), sampleKeys(2).passphrase);
  assert.throws(() => run('cryptsetup', 'open', '--test-passphrase', '--batch-mode', '--key-file', other, at('image')));
});

test('cryptsetup accepts a header after slots were added and removed', { skip: missing('cryptsetup') }, (t) => {
  const at = scratch(t);
  const random = seededBytes(9);
  const second = passphraseOf(random(32));
  const two = addSlot(sampleHeader(1), { ...keys, passphrase: second, iterations: 1000, random });
  writeFileSync(at('image'), Buffer.concat([removeSlot(two, 0, random), noData]));
  const open = (keyFile: string) =>
    run('cryptsetup', 'open', '--test-passphrase', '--batch-mode', '--key-file', keyFile, at('image'));
  open(lend(at('second'), second));
  assert.throws(() => open(lend(at('first'), keys.passphrase)));
});

test("we open cryptsetup's header and find its volume key", { skip: missing('cryptsetup') }, (t) => {
  const at = scratch(t);
  writeFileSync(at('image'), new Uint8Array(4 << 20));
  const keyFile = lend(at('passphrase'), keys.passphrase);
  const suite = ['-c', 'aes-xts-plain64', '-s', '512', '--hash', 'sha256', '--pbkdf-force-iterations', '1000'];
  run(
    'cryptsetup',
    'luksFormat',
    '--type',
    'luks1',
    '--batch-mode',
    ...suite,
    '--key-file',
    keyFile,
    '--volume-key-file',
    lend(at('key'), keys.volumeKey),
    at('image'),
  );
  const header = readFileSync(at('image'));
  assert.ok(openHeader(header, keys.passphrase)?.equals(keys.volumeKey));
  assert.equal(inspectLuks(header).supported, true);
});

test("we open QEMU's header", { skip: missing('qemu-img') }, (t) => {
  const at = scratch(t);
  const secret = qemuSecret(lend(at('passphrase'), keys.passphrase));
  qemuMakesLuks('create', '-q', ...secret, '-f', 'luks', '-o', 'key-secret=s,iter-time=10', at('image'), '1M');
  const header = readFileSync(at('image'));
  const volumeKey = openHeader(header, keys.passphrase);
  assert.ok(volumeKey !== undefined && isVolumeKey(decodeHeader(header), volumeKey));
});

test('QEMU accepts our header', { skip: missing('qemu-img') }, (t) => {
  const at = scratch(t);
  writeFileSync(at('image'), Buffer.concat([sampleHeader(1), noData]));
  const info = (path: string) =>
    run('qemu-img', 'info', '--output=json', ...qemuSecret(path), '--image-opts', qemuImage(at('image')));
  const { data } = JSON.parse(info(lend(at('passphrase'), keys.passphrase)))['format-specific'];
  assert.deepEqual([data.uuid, data['payload-offset'], data.slots[0].active], [sampleUuid, 2068480, true]);
  const probe = (path: string) =>
    run('qemu-img', 'compare', ...qemuSecret(path), '--image-opts', qemuImage(at('image')), qemuImage(at('image')));
  assert.match(probe(at('passphrase')), /identical/);
  assert.throws(() => probe(lend(at('other'), sampleKeys(2).passphrase)), /Invalid password/);
});

test('cryptsetup and we agree that LUKS2 is another format', { skip: missing('cryptsetup') }, (t) => {
  const at = scratch(t);
  writeFileSync(at('image'), new Uint8Array(20 << 20));
  const keyFile = lend(at('passphrase'), keys.passphrase);
  run(
    'cryptsetup',
    'luksFormat',
    '--type',
    'luks2',
    '--batch-mode',
    '--pbkdf',
    'pbkdf2',
    '--pbkdf-force-iterations',
    '1000',
    '--key-file',
    keyFile,
    at('image'),
  );
  assert.equal(inspectLuks(readFileSync(at('image'))).format, 'luks2');
});
