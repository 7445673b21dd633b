import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { ConfigStore } from './config-store.ts';
import { openDatabase } from './database.ts';
import { fileSealer } from './seal.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () => ConfigStore.open(join(folder, 'part.db'), fileSealer(join(folder, 'part.key')));
const kind = (kind: string) => (error: unknown) => (error as { kind?: string }).kind === kind;

test('documents survive a restart and every write counts the generation up', () => {
  {
    using store = open();
    store.add('tpm2/ca-certificates', 'a', { x: 1 });
    store.put('settings', 'all', { y: true });
  }
  using store = open();
  assert.deepEqual(store.get('tpm2/ca-certificates', 'a'), { x: 1 });
  assert.equal(store.raw().generation, 2);
});

test('a name can be taken once, and only what exists can be deleted', () => {
  using store = open();
  store.add('c', 'a', 1);
  assert.throws(() => store.add('c', 'a', 2), kind('object.exists'));
  assert.throws(() => store.delete('c', 'b'), kind('object.unknown'));
  assert.equal(store.raw().generation, 1, 'a refused write changes nothing');
});

test('equal configurations have equal fingerprints, whatever the way there', () => {
  using one = ConfigStore.open(join(folder, '1.db'), fileSealer(join(folder, 'k')));
  using two = ConfigStore.open(join(folder, '2.db'), fileSealer(join(folder, 'k')));
  one.put('c', 'a', 1);
  one.put('c', 'b', 2);
  two.put('c', 'b', 3);
  assert.notEqual(one.raw().fingerprint, two.raw().fingerprint);
  two.put('c', 'b', 2);
  two.put('c', 'a', 1);
  assert.equal(one.raw().fingerprint, two.raw().fingerprint);
});

test('a whole configuration is taken over only when it is newer', () => {
  using store = open();
  store.put('c', 'a', 1);
  const documents = [{ collection: 'c', name: 'z', body: 9 }];
  assert.throws(() => store.replace({ generation: 1, documents }), kind('object.in-use'));
  assert.deepEqual(store.get('c', 'a'), 1);
  store.replace({ generation: 7, documents });
  assert.deepEqual(
    store.list('c').map((each) => each.name),
    ['z'],
  );
  assert.equal(store.raw().generation, 7);
});

test('secrets are sealed: the file does not hold them, another key or name does not open them', () => {
  {
    using store = open();
    store.putSecret('kmip', Secret.take(Buffer.from('canary-of-the-store')));
    using back = store.getSecret('kmip')!;
    assert.equal(
      back.use((bytes) => Buffer.from(bytes).toString()),
      'canary-of-the-store',
    );
  }
  for (const file of ['part.db', 'part.key']) assert.ok(!readFileSync(join(folder, file)).includes('canary'));
  assert.equal(statSync(join(folder, 'part.key')).mode & 0o777, 0o600);
  using other = ConfigStore.open(join(folder, 'part.db'), fileSealer(join(folder, 'other.key')));
  assert.throws(() => other.getSecret('kmip'), kind('file.unreadable'));
});

test('state is no part of the configuration', () => {
  using store = open();
  const before = store.raw();
  store.putState('seen', 'vm', { gen: 3 });
  assert.deepEqual(store.getState('seen', 'vm'), { gen: 3 });
  assert.deepEqual(store.raw(), before);
});

test('a store that a newer version wrote is refused', () => {
  const path = join(folder, 'new.db');
  const database = openDatabase(path);
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(() => openDatabase(path), kind('config.invalid'));
});

test('a file that is no database is refused with its name', () => {
  assert.throws(() => openDatabase(folder), kind('file.unreadable'));
});
