import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { problem } from '@vouchsafe/domain/testing/problem';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { fileSealer, type Sealer } from '@vouchsafe/store/seal';
import { clear } from '@vouchsafe/tpm2/testing/clear';
import { Swtpm, withoutSwtpm } from '@vouchsafe/tpm2/testing/swtpm';
import { type KeyPlace, partSealer, type SealChoice, type Step } from './part-key.ts';

const options = { skip: withoutSwtpm };
let folder = '';
let place: KeyPlace;
let swtpm: Swtpm;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'seal-'));
  const file = join(folder, 'kmxd.key');
  place = { file, sealed: `${file}.tpm` };
  if (withoutSwtpm === false) swtpm = await Swtpm.start();
});
afterEach(async () => {
  await swtpm?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const where = () => `unix:${'path' in swtpm.address ? swtpm.address.path : ''}`;
const by = (seal: SealChoice['seal']): SealChoice => ({ seal, tpm: where() });
const canary = 'the canary of this store';

/** Opens the store under a sealer: writes the secret, or reads it back. */
function store(sealer: Sealer, write: boolean): string | undefined {
  using opened = ConfigStore.open(join(folder, 'part.db'), sealer);
  if (write) opened.putSecret('kmip', Secret.take(new Uint8Array(Buffer.from(canary))));
  using secret = opened.getSecret('kmip');
  return secret?.use((bytes) => Buffer.from(bytes).toString());
}

test('a new store is sealed by the TPM from the start, and no key ever lies in the clear', options, async () => {
  assert.equal(store(await partSealer(place, by('tpm')), true), canary);
  assert.equal(store(await partSealer(place, by('tpm')), false), canary);
  assert.deepEqual([existsSync(place.file), existsSync(place.sealed)], [false, true]);
  assert.equal(statSync(place.sealed).mode & 0o777, 0o600);
});

test('a store with a key file goes over to the TPM and back, and opens every time', options, async () => {
  store(fileSealer(place.file), true);
  const clearKey = readFileSync(place.file);
  assert.equal(store(await partSealer(place, by('tpm')), false), canary);
  assert.equal(existsSync(place.file), false);
  for (const name of readdirSync(folder)) assert.ok(!readFileSync(join(folder, name)).includes(clearKey), name);
  assert.equal(store(await partSealer(place, by('file')), false), canary);
  assert.deepEqual([readFileSync(place.file), existsSync(place.sealed)], [clearKey, false]);
});

const deaths: [seal: SealChoice['seal'], step: Step][] = [
  ['tpm', 'sealed'],
  ['tpm', 'written'],
  ['tpm', 'read back'],
  ['tpm', 'overwritten'],
  ['file', 'written'],
  ['file', 'read back'],
  ['file', 'overwritten'],
];
for (const [seal, step] of deaths) {
  test(
    `killed on the way to ${seal} when the key was ${step}: the next start opens the store, either way`,
    options,
    async () => {
      for (const next of ['tpm', 'file'] as const) {
        for (const path of [place.file, place.sealed]) rmSync(path, { force: true });
        rmSync(join(folder, 'part.db'), { force: true });
        store(fileSealer(place.file), true);
        const clearKey = readFileSync(place.file);
        if (seal === 'file') await partSealer(place, by('tpm'));
        const program = resolve(import.meta.dirname, 'testing/migrate-and-die.ts');
        const died = spawnSync(process.execPath, [program, place.file, seal, where(), step], { encoding: 'utf8' });
        assert.equal(died.signal, 'SIGKILL', died.stderr);
        assert.equal(store(await partSealer(place, by(next)), false), canary, next);
        const expected = next === 'tpm' ? [false, true] : [true, false];
        assert.deepEqual([existsSync(place.file), existsSync(place.sealed)], expected, next);
        const holding = readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(clearKey));
        assert.deepEqual(holding, next === 'tpm' ? [] : ['kmxd.key']);
        assert.ok(!readdirSync(folder).some((name) => name.endsWith('.tmp')));
      }
    },
  );
}

test(
  'another TPM, a cleared one and none are told apart from a damaged file, and nothing is lost',
  options,
  async () => {
    store(await partSealer(place, by('tpm')), true);
    const sealed = readFileSync(place.sealed);
    await using other = await Swtpm.start();
    const theirs = { seal: 'tpm' as const, tpm: `unix:${'path' in other.address ? other.address.path : ''}` };
    await assert.rejects(
      partSealer(place, theirs),
      problem('seal.unopened', /kmxd\.key\.tpm: the TPM at .* TPM_RC_INTEGRITY/),
    );
    await assert.rejects(
      partSealer(place, { seal: 'tpm', tpm: 'unix:/nonexistent' }),
      problem('tpm.unavailable', /nonexistent/),
    );
    await assert.rejects(
      partSealer(place, { seal: 'file', tpm: undefined }),
      problem('config.invalid', /name it in host.toml/),
    );
    assert.equal(existsSync(place.file), false, 'no new key is made beside a sealed one');
    const bad = [
      '',
      '{',
      '{"v":1}',
      sealed.toString().replace('"v":1', '"v":2'),
      sealed.toString().replace(/"private":"..../, '"private":"AAAA'),
    ];
    for (const text of bad) {
      writeFileSync(place.sealed, text);
      await assert.rejects(partSealer(place, by('tpm')), { name: 'Problem' }, text);
    }
    writeFileSync(place.sealed, sealed);
    assert.equal(store(await partSealer(place, by('tpm')), false), canary);
    await using tpm = await swtpm.connect();
    await clear(tpm);
    await tpm.close();
    await assert.rejects(partSealer(place, by('tpm')), problem('seal.unopened'));
  },
);

test('two keys that differ are not chosen between', options, async () => {
  store(await partSealer(place, by('tpm')), true);
  writeFileSync(place.file, Buffer.alloc(32, 7));
  for (const seal of ['tpm', 'file'] as const)
    await assert.rejects(partSealer(place, by(seal)), problem('file.unreadable', /different keys/));
  rmSync(place.file);
  assert.equal(store(await partSealer(place, by('tpm')), false), canary);
});
