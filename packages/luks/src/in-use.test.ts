import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { encryptImage } from './encrypt.ts';
import { lockedFiles } from './in-use.ts';
import { holdsMarker, makeImage, sampleOptions } from './testing/images.ts';
import { missing, scratch } from './testing/sample.ts';

test('lock lists are read, whatever else stands in them', () => {
  const list =
    '1: OFDLCK ADVISORY  READ -1 fe:01:1234 100 101\n1: -> FLOCK  ADVISORY  WRITE 7 00:1a:99 0 EOF\nnonsense\n';
  assert.deepEqual([...lockedFiles(list)], ['fe:01:1234', '00:1a:99']);
  assert.equal(lockedFiles('').size, 0);
});

test('an image that QEMU has open is not converted', { skip: missing('qemu-io') }, async (t) => {
  const options = sampleOptions(makeImage(scratch(t)('disk'), 1 << 20), { replace: 'unlink' });
  const qemu = spawn('qemu-io', ['-f', 'raw', options.source]);
  t.after(() => qemu.kill('SIGKILL'));
  qemu.stdin.write('length\n');
  await new Promise((resolve) => qemu.stdout.once('data', resolve));
  await assert.rejects(encryptImage(options), { code: 'source.in-use' });
  assert.ok(holdsMarker(options.source));
  const ended = new Promise((resolve) => qemu.once('exit', resolve));
  qemu.stdin.end('quit\n');
  await ended;
  await encryptImage(options);
});
