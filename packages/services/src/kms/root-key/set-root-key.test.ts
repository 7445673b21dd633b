import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import type { Secret } from '@vouchsafe/bytes/secret';
import { problem } from '@vouchsafe/domain/testing/problem';
import { clear } from '@vouchsafe/tpm2/testing/clear';
import { Swtpm, withoutSwtpm } from '@vouchsafe/tpm2/testing/swtpm';
import type { TokenPlace } from '../../pkcs11/session.ts';
import { choiceOf, SoftHsm, withoutSoftHsm } from '../../pkcs11/testing/softhsm.ts';
import { type KmsLayout, kmsLayout, makeKmsFolders } from '../layout.ts';
import { type RootKeyChoice, readStoredKey, type Step } from './envelope.ts';
import { openStoreKey } from './open-store-key.ts';
import { makeRecoveryKey } from './recovery.ts';
import { setRootKey } from './set-root-key.ts';

const options = { skip: withoutSwtpm };
let folder = '';
let layout: KmsLayout;
let swtpm: Swtpm;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'root-key-'));
  layout = kmsLayout(join(folder, 'data'));
  makeKmsFolders(layout);
  if (withoutSwtpm === false) swtpm = await Swtpm.start();
});
afterEach(async () => {
  await swtpm?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  hsm?.[Symbol.dispose]();
  hsm = place = undefined;
});

const addressOf = ({ address }: Swtpm) => `unix:${'path' in address ? address.path : ''}`;
const file: RootKeyChoice = { kind: 'file', path: 'root.key' };
/** The token of a test, made when it asks for it. */
let hsm: SoftHsm | undefined;
let place: TokenPlace | undefined;
function hsmToken(): TokenPlace {
  hsm ??= new SoftHsm();
  place ??= hsm.addToken('kms');
  return place;
}
const tpm = (of = swtpm): RootKeyChoice => ({ kind: 'tpm', tpm: addressOf(of) });
const choice = (kind: RootKeyChoice['kind']) =>
  ({ file: () => file, tpm: () => tpm(), pkcs11: () => choiceOf(hsmToken()) })[kind]();

const opens = async (key: Secret) => {
  using again = await openStoreKey(layout);
  return again.equals(key);
};

/** Every file of the data folder that holds these octets. */
const holding = (octets: Buffer) =>
  readdirSync(layout.dataDir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(layout.dataDir, join(parentPath, name)))
    .filter((path) => readFileSync(join(layout.dataDir, path)).includes(octets));
const holdsKey = (key: Secret) => key.use((octets) => holding(Buffer.from(octets)));

test('a new store is made under the TPM, and no key ever lies in the clear', options, async () => {
  await setRootKey(layout, tpm());
  using key = await openStoreKey(layout);
  assert.equal(existsSync(layout.rootKey), false);
  assert.deepEqual(holdsKey(key), []);
});

test('a store goes from its file to the TPM, to another file and back: it is the same store', options, async () => {
  using key = await openStoreKey(layout);
  const first = readFileSync(layout.rootKey);
  await setRootKey(layout, tpm());
  assert.ok(await opens(key));
  assert.deepEqual([existsSync(layout.rootKey), holding(first)], [false, []]);
  await setRootKey(layout, { kind: 'file', path: join(folder, 'elsewhere.key') });
  assert.ok(await opens(key));
  const { left } = await setRootKey(layout, file);
  assert.equal(left, join(folder, 'elsewhere.key'), 'a file elsewhere is not ours to remove');
  assert.ok(existsSync(join(folder, 'elsewhere.key')));
  assert.ok(await opens(key));
  assert.notDeepEqual(readFileSync(layout.rootKey), first);
});

test('the same root key again wraps anew and keeps its file', async () => {
  using key = await openStoreKey(layout);
  const before = readFileSync(layout.storeKey);
  await setRootKey(layout, file);
  assert.ok(await opens(key));
  assert.notDeepEqual(readFileSync(layout.storeKey), before);
});

const steps: readonly Step[] = ['root key made', 'written', 'read back', 'placed', 'overwritten'];
const moves = [
  ['file', 'tpm'],
  ['tpm', 'file'],
  ['file', 'pkcs11'],
  ['pkcs11', 'file'],
] as const;
const deaths = moves.flatMap(([from, to]) =>
  steps.filter((step) => from === 'file' || step !== 'overwritten').map((step) => [from, to, step] as const),
);
for (const [from, to, step] of deaths)
  test(
    `killed from ${from} to ${to} when it was ${step}: the next start opens, and the next change ends`,
    options,
    async (t) => {
      if (withoutSoftHsm && (from === 'pkcs11' || to === 'pkcs11')) return t.skip(withoutSoftHsm);
      using key = await openStoreKey(layout);
      const clear = readFileSync(layout.rootKey);
      if (from !== 'file') await setRootKey(layout, choice(from));
      const program = resolve(import.meta.dirname, 'testing/set-and-die.ts');
      const died = spawnSync(process.execPath, [program, layout.dataDir, JSON.stringify(choice(to)), step], {
        encoding: 'utf8',
      });
      assert.equal(died.signal, 'SIGKILL', died.stderr);
      cpSync(layout.dataDir, join(folder, 'as it died'), { recursive: true });
      assert.ok(await opens(key), 'the next start');
      const moved = step === 'placed' || step === 'overwritten';
      const kind = readStoredKey(layout.storeKey)?.root.kind;
      assert.equal(kind, moved ? to : from);
      if (kind !== 'file')
        assert.deepEqual([existsSync(layout.rootKey) && from === 'file', holding(clear)], [false, []]);
      for (const next of from === 'pkcs11' ? [to] : to === 'pkcs11' ? [from] : [to, from]) {
        rmSync(layout.dataDir, { recursive: true });
        cpSync(join(folder, 'as it died'), layout.dataDir, { recursive: true });
        await setRootKey(layout, choice(next));
        assert.ok(await opens(key), next);
        assert.equal(readStoredKey(layout.storeKey)?.root.kind, next);
        assert.ok(!readdirSync(layout.dataDir).some((name) => name.endsWith('.tmp')));
        assert.deepEqual(holdsKey(key), []);
      }
    },
  );

test('a root key that cannot wrap, or does not open what it wrapped, changes nothing', options, async () => {
  using key = await openStoreKey(layout);
  const before = readFileSync(layout.storeKey);
  await assert.rejects(setRootKey(layout, { kind: 'tpm', tpm: 'unix:/nonexistent' }), problem('tpm.unavailable'));
  const open = join(folder, 'open.key');
  writeFileSync(open, Buffer.alloc(32, 1));
  chmodSync(open, 0o644);
  await assert.rejects(setRootKey(layout, { kind: 'file', path: open }), problem('file.unreadable', /chmod 600/));
  assert.deepEqual(readFileSync(layout.storeKey), before);
  assert.ok(await opens(key));
});

test(
  'a TPM that is another, cleared or gone is told; the recovery key opens the store all the same',
  options,
  async () => {
    using key = await openStoreKey(layout);
    await setRootKey(layout, tpm());
    const recovery = join(folder, 'recovery.key');
    assert.deepEqual(await makeRecoveryKey(layout, recovery, new Date()), { replaced: false });
    await assert.rejects(makeRecoveryKey(layout, recovery, new Date()), problem('object.exists'));
    assert.ok(await opens(key));
    {
      await using connected = await swtpm.connect();
      await clear(connected);
    }
    await assert.rejects(openStoreKey(layout), problem('root-key.unopened', /TPM at .* does not open/));
    await assert.rejects(setRootKey(layout, file), problem('root-key.unopened'));
    const wrong = join(folder, 'wrong.key');
    writeFileSync(wrong, Buffer.alloc(32, 1), { mode: 0o600 });
    await assert.rejects(setRootKey(layout, file, { recovery: wrong }), problem('root-key.unopened', /wrong\.key/));
    await setRootKey(layout, tpm(), { recovery });
    assert.ok(await opens(key));
    await swtpm[Symbol.asyncDispose]();
    await assert.rejects(openStoreKey(layout), problem('tpm.unavailable'));
    await setRootKey(layout, file, { recovery });
    assert.ok(await opens(key), 'a recovery key stays one after it was used');
    assert.deepEqual(await makeRecoveryKey(layout, join(folder, 'second.key'), new Date()), { replaced: true });
    await assert.rejects(setRootKey(layout, file, { recovery }), problem('root-key.unopened'));
  },
);

test('a token that lost the key or is gone is told, and a wrong PIN is tried once, however often it starts', async (t) => {
  if (withoutSoftHsm) return t.skip(withoutSoftHsm);
  using key = await openStoreKey(layout);
  const root = choiceOf(hsmToken());
  await setRootKey(layout, root);
  assert.ok(await opens(key));
  const recovery = join(folder, 'recovery.key');
  await makeRecoveryKey(layout, recovery, new Date());

  const right = readFileSync(root.pin_file);
  writeFileSync(root.pin_file, 'wrong-pin');
  await assert.rejects(openStoreKey(layout), problem('hsm.pin-refused', /CKR_PIN_INCORRECT/));
  for (let i = 0; i < 3; i++)
    await assert.rejects(openStoreKey(layout), problem('hsm.pin-refused', /refused .* before/));
  await assert.rejects(setRootKey(layout, root), problem('hsm.pin-refused', /before/));
  writeFileSync(root.pin_file, right);
  assert.ok(await opens(key));
  chmodSync(root.pin_file, 0o640);
  await assert.rejects(openStoreKey(layout), problem('file.unreadable', /chmod 600/));
  chmodSync(root.pin_file, 0o600);

  const away = join(folder, 'tokens');
  renameSync(hsm!.tokens, away);
  mkdirSync(hsm!.tokens);
  await assert.rejects(openStoreKey(layout), problem('hsm.unavailable', /has no token kms; it has none/));
  hsm!.addToken('kms');
  await assert.rejects(openStoreKey(layout), problem('hsm.key-missing', /no key kms/));
  await setRootKey(layout, root, { recovery });
  assert.ok(await opens(key), 'a new token, with the recovery key');
  rmSync(hsm!.tokens, { recursive: true });
  renameSync(away, hsm!.tokens);
  await assert.rejects(openStoreKey(layout), problem('root-key.unopened'), 'the key of the same name in the old token');
});

test('a wrapping that was moved to another store or another kind does not open', async () => {
  using _key = await openStoreKey(layout);
  const stored = readStoredKey(layout.storeKey)!;
  for (const store of ['A'.repeat(22), `${stored.store[0] === 'B' ? 'C' : 'B'}${stored.store.slice(1)}`]) {
    writeFileSync(layout.storeKey, JSON.stringify({ ...stored, store }));
    await assert.rejects(openStoreKey(layout), problem('root-key.unopened'));
  }
  const recovery = { wrapped: stored.wrapped, made: '' };
  writeFileSync(layout.storeKey, JSON.stringify({ ...stored, recovery }));
  await assert.rejects(setRootKey(layout, file, { recovery: layout.rootKey }), problem('root-key.unopened'));
});

test('two changes at once: one waits, and the store opens', async () => {
  using key = await openStoreKey(layout);
  const other: RootKeyChoice = { kind: 'file', path: 'other.key' };
  const program = resolve(import.meta.dirname, 'testing/set-and-die.ts');
  const change = (to: RootKeyChoice) =>
    promisify(execFile)(process.execPath, [program, layout.dataDir, JSON.stringify(to), 'never']);
  await Promise.all([other, file, other].map(change));
  assert.ok(await opens(key));
});
