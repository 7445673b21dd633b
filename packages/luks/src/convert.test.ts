import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { mutations } from '@vouchsafe/bytes/hostile';
import { type DecryptOptions, decryptImage } from './decrypt.ts';
import { type EncryptOptions, encryptImage } from './encrypt.ts';
import { readAt } from './file.ts';
import { openHeader } from './open.ts';
import { holdsMarker, makeImage, sampleOptions } from './testing/images.ts';
import {
  lend,
  missing,
  qemuImage,
  qemuMakesLuks,
  qemuSecret,
  run,
  sampleHeader,
  sampleKeys,
  scratch,
} from './testing/sample.ts';

const MiB = 1 << 20;
const namesIn = (path: string) => readdirSync(dirname(path)).sort();

test('an encrypted image is the plain one for QEMU, and the marker is gone', {
  skip: missing('qemu-img'),
}, async (t) => {
  const at = scratch(t);
  const plain = makeImage(at('plain'), 5 * MiB + 512);
  const options = sampleOptions(plain, { target: at('encrypted') });
  const result = await encryptImage(options);
  assert.deepEqual(result, { target: at('encrypted'), size: 5 * MiB + 512, resumedAt: 0 });
  const secret = qemuSecret(lend(at('passphrase'), options.passphrase));
  const raw = `driver=raw,file.filename=${plain}`;
  assert.match(run('qemu-img', 'compare', ...secret, '--image-opts', raw, qemuImage(at('encrypted'))), /identical/);
  assert.equal(holdsMarker(at('encrypted')), false);
  assert.equal(holdsMarker(plain), true);
  assert.deepEqual(namesIn(plain), ['encrypted', 'passphrase', 'plain']);
});

test('decrypting gives the plain image back, holes included', async (t) => {
  const at = scratch(t);
  const plain = makeImage(at('plain'), 9 * MiB);
  const options = sampleOptions(plain, { target: at('encrypted') });
  await encryptImage(options);
  assert.ok(statSync(at('encrypted')).blocks * 512 >= 9 * MiB);
  await decryptImage({ ...options, source: at('encrypted'), into: { target: at('again') } });
  assert.ok(readFileSync(at('again')).equals(readFileSync(plain)));
  assert.ok(statSync(at('again')).blocks * 512 < 5 * MiB);
});

test("we decrypt QEMU's images", { skip: missing('qemu-img') }, async (t) => {
  const at = scratch(t);
  const plain = makeImage(at('plain'), 2 * MiB);
  const options = sampleOptions(plain, { target: at('theirs') });
  const keyFile = lend(at('passphrase'), options.passphrase);
  qemuMakesLuks(
    'convert',
    '-O',
    'luks',
    ...qemuSecret(keyFile),
    '-o',
    'key-secret=s,iter-time=10',
    '-f',
    'raw',
    plain,
    at('theirs'),
  );
  const back: DecryptOptions = { ...options, source: at('theirs'), into: { target: at('back') }, verify: 'full' };
  await decryptImage(back);
  assert.ok(readFileSync(at('back')).equals(readFileSync(plain)));
});

test('every crew gives the same image', async (t) => {
  const at = scratch(t);
  const plain = makeImage(at('plain'), 6 * MiB);
  const crews = {
    none: { workers: 0 },
    three: { workers: 3 },
    bundle: { workers: 2, worker: { source: await bundled('./worker.ts') } },
  };
  for (const [name, crew] of Object.entries(crews))
    await encryptImage({ ...sampleOptions(plain, { target: at(name) }), ...crew, verify: 'full' });
  const images = Object.keys(crews).map((name) => readFileSync(at(name)));
  assert.ok(images[0]!.equals(images[1]!) && images[0]!.equals(images[2]!));
});

/** A module as a single executable carries it: one CommonJS text. */
async function bundled(module: string): Promise<string> {
  const { build } = createRequire(import.meta.url)('esbuild') as typeof import('esbuild');
  const entryPoints = [new URL(module, import.meta.url).pathname];
  const options = { bundle: true, platform: 'node', format: 'cjs', write: false, logLevel: 'silent' } as const;
  return (await build({ ...options, entryPoints })).outputFiles[0]!.text;
}

test('a bundled converter works with the text of its worker and says when it lacks it', async (t) => {
  const at = scratch(t);
  writeFileSync(at('encrypt.cjs'), await bundled('./encrypt.ts'));
  const { encryptImage: bundledEncrypt } = createRequire(import.meta.url)(
    at('encrypt.cjs'),
  ) as typeof import('./encrypt.ts');
  const options = sampleOptions(makeImage(at('disk'), MiB), { replace: 'unlink' });
  await assert.rejects(bundledEncrypt(options), { code: 'worker.failed', message: /must hand in the text/ });
  assert.ok(holdsMarker(at('disk')));
  await bundledEncrypt({ ...options, worker: { source: await bundled('./worker.ts') } });
  assert.ok(!holdsMarker(at('disk')));
});

test('a worker whose code cannot be loaded is an error, and the image stays', async (t) => {
  const at = scratch(t);
  const plain = makeImage(at('plain'), MiB);
  const options = sampleOptions(plain, { replace: 'unlink' });
  await assert.rejects(encryptImage({ ...options, worker: { source: 'throw new Error("no such module")' } }), {
    code: 'worker.failed',
  });
  await assert.rejects(encryptImage({ ...options, worker: { source: '' } }), { code: 'worker.failed' });
  assert.ok(holdsMarker(plain));
  await encryptImage(options);
  assert.ok(!holdsMarker(plain));
});

for (const replace of ['unlink', 'overwrite', 'keep'] as const) {
  test(`in place, old image: ${replace}`, async (t) => {
    const at = scratch(t);
    const image = makeImage(at('disk.raw'), 3 * MiB);
    chmodSync(image, 0o640);
    // Stays readable through the open file when its name goes.
    const old = openSync(image, 'r');
    t.after(() => closeSync(old));
    const before = readFileSync(image);
    const options = sampleOptions(image, { replace });
    const result = await encryptImage(options);
    const kept = replace === 'keep' ? { old: at('disk.raw.luks-old') } : {};
    assert.deepEqual(result, { target: image, size: 3 * MiB, resumedAt: 0, ...kept });
    assert.deepEqual(namesIn(image), replace === 'keep' ? ['disk.raw', 'disk.raw.luks-old'] : ['disk.raw']);
    assert.equal(statSync(image).mode & 0o777, 0o640);
    assert.ok(openHeader(readFileSync(image), options.passphrase)?.equals(options.volumeKey));
    const after = new Uint8Array(3 * MiB);
    readAt(old, after, 0);
    if (replace !== 'overwrite') assert.ok(before.equals(after));
    else assert.ok(after.every((byte) => byte === 0));
    rmSync(at('disk.raw.luks-old'), { force: true });
    await decryptImage({ ...options, into: { replace: 'unlink' } });
    assert.ok(readFileSync(image).equals(before));
  });
}

test('a link to an image is followed: the copy stands beside the file', async (t) => {
  const at = scratch(t);
  mkdirSync(at('pool'));
  makeImage(at('pool/disk'), MiB);
  symlinkSync(at('pool/disk'), at('link'));
  await encryptImage(sampleOptions(at('link'), { replace: 'unlink' }));
  assert.ok(lstatSync(at('link')).isSymbolicLink());
  assert.ok(!holdsMarker(at('pool/disk')));
});

const refusals: [name: string, prepare: (path: string) => void, code: string, message: RegExp][] = [
  ['a missing image', () => undefined, 'source.missing', /cannot be found or read/],
  ['a directory', (path) => mkdirSync(path), 'source.kind', /not a regular file/],
  ['an empty image', (path) => writeFileSync(path, ''), 'source.size', /holds no data/],
  [
    'a broken last sector',
    (path) => makeImage(path, MiB + 1),
    'source.size',
    /1048577 bytes .* grow the image by 511 bytes/,
  ],
  ['an encrypted image', (path) => writeFileSync(path, sampleHeader(1)), 'source.format', /is encrypted already/],
  [
    'a qcow2 image',
    (path) => writeFileSync(path, 'QFI\xfb'.padEnd(512), 'latin1'),
    'source.format',
    /is a qcow2 image/,
  ],
];
for (const [name, prepare, code, message] of refusals) {
  test(`${name} is refused and nothing is left behind`, async (t) => {
    const at = scratch(t);
    prepare(at('disk'));
    const before = namesIn(at('disk'));
    await assert.rejects(encryptImage(sampleOptions(at('disk'), { replace: 'unlink' })), { code, message });
    assert.deepEqual(namesIn(at('disk')), before);
  });
}

test('names in use are refused', async (t) => {
  const at = scratch(t);
  const plain = makeImage(at('plain'), MiB);
  const refused = async (into: EncryptOptions['into'], message: RegExp) =>
    await assert.rejects(encryptImage(sampleOptions(plain, into)), { message });
  linkSync(plain, at('second-name'));
  await refused({ replace: 'unlink' }, /has other hard links/);
  await refused({ target: at('second-name') }, /exists already; choose another name/);
  await refused({ target: at('no/such/directory') }, /cannot create or open the journal/);
  writeFileSync(at('a.luks-part'), '');
  await refused({ target: at('a') }, /a\.luks-part: exists, but no journal belongs to it/);
  writeFileSync(at('b.luks-journal'), 'no database '.repeat(100));
  await refused({ target: at('b') }, /b\.luks-journal: the file is no journal/);
  symlinkSync(at('nowhere'), at('c.luks-journal'));
  await refused({ target: at('c') }, /c\.luks-journal: not a regular file/);
  symlinkSync(at('nowhere'), at('d'));
  await refused({ target: at('d') }, /d: exists already/);
});

test('a wrong passphrase and a damaged header stop a decryption before it begins', async (t) => {
  const at = scratch(t);
  const options = sampleOptions(makeImage(at('disk'), MiB), { replace: 'unlink' });
  await encryptImage(options);
  const wrong = { ...options, passphrase: sampleKeys(9).passphrase };
  await assert.rejects(decryptImage(wrong), { code: 'passphrase.wrong' });
  truncateSync(at('disk'), 4096);
  await assert.rejects(decryptImage(options), /LUKS_PHDR.payloadOffset: need 2068480 bytes/);
  truncateSync(at('disk'), 100);
  await assert.rejects(decryptImage(options), /LUKS_PHDR: need 592 bytes/);
  assert.deepEqual(namesIn(at('disk')), ['disk']);
});

test('hostile headers: a decryption ends in a clear error or in an image, and leaves nothing else', async (t) => {
  const at = scratch(t);
  const options = sampleOptions(makeImage(at('plain'), MiB), { target: at('disk') });
  await encryptImage(options);
  const image = readFileSync(at('disk'));
  const runs: Uint8Array[] = [];
  mutations([image.subarray(0, 592)], 5, 60, (bytes) => runs.push(bytes));
  for (const start of runs) {
    writeFileSync(at('disk'), Buffer.concat([start, image.subarray(592)]));
    const outcome = await decryptImage({ ...options, source: at('disk'), into: { target: at('out') } }).catch(
      (error) => error,
    );
    assert.ok(outcome.target !== undefined || ['DecodeError', 'LuksError'].includes(outcome.name), String(outcome));
    rmSync(at('out'), { force: true });
    assert.deepEqual(namesIn(at('disk')), ['disk', 'plain']);
  }
});
