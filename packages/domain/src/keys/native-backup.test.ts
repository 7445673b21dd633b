import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import * as pkijs from 'pkijs';
import { Problem } from '../problem.ts';
import { problem } from '../testing/problem.ts';
import { type NativeBackupAbout, readNativeBackup, writeNativeBackup } from './native-backup.ts';

const one = 'aaaaaaaa-2222-4333-8444-555555555555';
const two = 'bbbbbbbb-2222-4333-8444-555555555555';
const about: NativeBackupAbout = {
  prv: '11111111-2222-4333-8444-555555555555',
  name: 'vault',
  gen: 7,
  tpm_required: true,
  keys: [
    { id: one, made: 1_790_000_000 },
    { id: two, made: 1_790_000_100 },
  ],
};
const octets = { [one]: Buffer.from('only-this-test-has-these-32-byte'), [two]: Buffer.alloc(32, 2) };
const secret = (text: string | Buffer) => Secret.take(Uint8Array.from(Buffer.from(text)));
const keys = () => new Map(Object.entries(octets).map(([id, bytes]) => [id, secret(bytes)]));
const write = (password: string, what = about, from: ReadonlyMap<string, Secret> = keys()) =>
  writeNativeBackup(what, from, secret(password), 1000);
const read = (file: Uint8Array, password: string) => readNativeBackup(file, secret(password));

function openssl(file: Uint8Array, password: string, ...more: string[]): { status: number | null; text: string } {
  const folder = mkdtempSync(join(tmpdir(), 'pkcs12-'));
  try {
    writeFileSync(join(folder, 'backup.p12'), file);
    writeFileSync(join(folder, 'password'), `${password}\n`);
    const args = ['pkcs12', '-in', join(folder, 'backup.p12'), '-passin', `file:${join(folder, 'password')}`, ...more];
    const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
    return { status, text: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const password of ['correct horse battery staple', 'pässword €', '']) {
  test(`a backup with password '${password}' reads back, here and with openssl`, async () => {
    const file = await write(password);
    const back = await read(file, password);
    assert.deepEqual(back.about, about);
    for (const [id, bytes] of Object.entries(octets))
      assert.deepEqual(Buffer.from(back.keys.get(id)!.use((each) => each.slice())), bytes);
    const { status, text } = openssl(file, password, '-info', '-nokeys');
    assert.equal(status, 0, text);
    assert.match(text, /MAC: sha256, Iteration 1000/);
    assert.equal(text.match(/Secret bag/g)?.length, 3, text);
    assert.match(text, /friendlyName: vault aaaaaaaa-2222-4333-8444-555555555555/);
    assert.match(text, /localKeyID: AA AA AA AA 22 22 43 33/);
    assert.match(
      text,
      password === ''
        ? /PKCS7 Data/
        : /PKCS7 Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 1000, PRF hmacWithSHA256/,
    );
    assert.equal(Buffer.from(file).includes(octets[one]!), password === '', 'in the clear without a password alone');
    assert.notEqual(openssl(file, 'another', '-info', '-nokeys').status, 0);
    await assert.rejects(read(file, 'another'), problem('input.invalid', /password/));
  });
}

test('a file that was changed does not open: any octet, cut anywhere', async () => {
  const file = await write('secret');
  const closed = (bytes: Uint8Array) =>
    assert.rejects(read(bytes, 'secret'), (error) => {
      assert.ok(error instanceof Problem, String(error));
      return /^input\.(invalid|malformed)$/.test(error.kind);
    });
  for (let at = 0; at < file.length; at += 11) {
    const changed = file.slice();
    changed[at]! ^= 1 << (at % 8);
    // A few octets say nothing: spellings of NULL parameters, for instance. Whatever opens is what was written.
    const opened = await read(changed, 'secret').catch((error) => void assert.match(error.kind, /^input\./));
    if (opened !== undefined) assert.deepEqual(opened.about, about, `octet ${at}`);
  }
  for (let length = 0; length < file.length; length += 37) await closed(file.slice(0, length));
  await closed(new Uint8Array(70_000));
  await closed(Buffer.from('-----BEGIN CERTIFICATE-----'));
});

test('what would take minutes to read is refused before it is begun', async () => {
  const file = await write('secret');
  const costly = (change: (pfx: pkijs.PFX) => void) => {
    const pfx = pkijs.PFX.fromBER(file.slice());
    change(pfx);
    return new Uint8Array(pfx.toSchema().toBER());
  };
  const mac = costly(({ macData }) => {
    macData!.iterations = 3_000_000;
  });
  await assert.rejects(read(mac, 'secret'), problem('input.malformed', /3000000 rounds/));
  const rounds = Buffer.from(file);
  // INTEGER 1000 of PBKDF2 stands before its PRF; four bytes longer would move everything, so the largest of two bytes.
  const at = rounds.indexOf(Buffer.from('020203e8', 'hex'));
  assert.ok(at > 0);
  rounds.set(Buffer.from('0202ffff', 'hex'), at);
  await assert.rejects(read(rounds, 'secret'), problem('input.malformed', /-1 rounds/));
  const none = costly((pfx) => {
    delete (pfx as { macData?: unknown }).macData;
  });
  await assert.rejects(read(none, 'secret'), problem('input.malformed', /no MAC/));
});

test('a backup whose keys are not those that it says is refused', async () => {
  const missing = { ...about, keys: [...about.keys, { id: about.prv, made: 1 }] };
  await assert.rejects(
    write('x', missing, new Map([...keys(), [about.prv, secret('short')]])).then((file) => read(file, 'x')),
    problem('input.malformed', /expected 32 octets/),
  );
  const twice = { ...about, keys: [about.keys[0]!, about.keys[0]!] };
  await assert.rejects(
    write('x', twice).then((file) => read(file, 'x')),
    problem('input.malformed', /other keys/),
  );
  const named = { ...about, name: '../x' };
  await assert.rejects(
    write('x', named).then((file) => read(file, 'x')),
    problem('input.malformed', /name/),
  );
});
