import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { problem } from '@vouchsafe/domain/testing/problem';
import type { KmipError } from '@vouchsafe/kmip/error';
import { kmsLayout } from './layout.ts';
import { openStoreKey } from './root-key/open-store-key.ts';
import { kmsFixture } from './testing/fixture.ts';

const aes256 = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;

async function withKeys(t: TestContext, count: number) {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('one');
  using client = fixture.client(files);
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push(await client.create(aes256));
  return { fixture, files, ids };
}

const everyFile = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => join(entry.parentPath, entry.name));

test('the same keys are there after a restart', async (t) => {
  const { fixture, files, ids } = await withKeys(t, 1);
  using before = fixture.client(files);
  using key = await before.get(ids[0]!);
  await fixture.restart();
  using after = fixture.client(files);
  using again = await after.get(ids[0]!);
  assert.ok(key.material.equals(again.material));
});

test('nobody but the owner can open any file, and no file holds a key in the clear', async (t) => {
  const { fixture, files, ids } = await withKeys(t, 1);
  using client = fixture.client(files);
  using key = await client.get(ids[0]!);
  for (const path of [fixture.dataDir, ...everyFile(fixture.dataDir)]) {
    const facts = statSync(path);
    // SQLite makes its files with the umask; the folder around them is closed.
    const sqlite = path.includes('kms.sqlite') || path.includes('.lock');
    if (!sqlite) assert.equal(facts.mode & 0o077, 0, path);
    if (facts.isFile())
      assert.ok(!key.material.use((octets) => readFileSync(path).includes(Buffer.from(octets))), path);
  }
});

test('sealed material that is moved to another object does not open', async (t) => {
  const { fixture, files, ids } = await withKeys(t, 2);
  const database = new DatabaseSync(join(fixture.dataDir, 'db', 'kms.sqlite'));
  database
    .prepare('UPDATE object SET content = (SELECT content FROM object WHERE id = ?) WHERE id = ?')
    .run(ids[0]!, ids[1]!);
  database.close();
  using client = fixture.client(files);
  (await client.get(ids[0]!))[Symbol.dispose]();
  await assert.rejects(client.get(ids[1]!), (error: KmipError) => error.reason === 'General Failure');
});

test('destroyed material is gone from the database', async (t) => {
  const { fixture, files, ids } = await withKeys(t, 1);
  using client = fixture.client(files);
  await client.destroy(ids[0]!);
  const database = new DatabaseSync(join(fixture.dataDir, 'db', 'kms.sqlite'));
  assert.deepEqual(
    { ...database.prepare('SELECT content, state FROM object').get() },
    { content: null, state: 'Destroyed' },
  );
  database.close();
});

test('without its root key, or with another, the server does not start', async (t) => {
  const { fixture } = await withKeys(t, 1);
  const rootKey = join(fixture.dataDir, 'root.key');
  const saved = readFileSync(rootKey);
  rmSync(rootKey);
  await assert.rejects(fixture.restart(), /root\.key: missing/);
  writeFileSync(rootKey, Buffer.alloc(32, 1), { mode: 0o600 });
  await assert.rejects(fixture.restart(), /does not open/);
  writeFileSync(rootKey, saved);
  await fixture.restart();
});

test('a copy of the database alone opens nowhere else', async (t) => {
  const { fixture } = await withKeys(t, 1);
  const other = await kmsFixture();
  t.after(other.close);
  await fixture.kms.close();
  await other.kms.close();
  cpSync(join(fixture.dataDir, 'db'), join(other.dataDir, 'db'), { recursive: true });
  await assert.rejects(other.restart(), /does not open/);
});

test('a root key that others may read is refused', async (t) => {
  const { fixture } = await withKeys(t, 1);
  chmodSync(join(fixture.dataDir, 'root.key'), 0o640);
  await assert.rejects(fixture.restart(), problem('file.unreadable', /chmod 600/));
});

test('a store from before there was a wrapped key opens as it did', async (t) => {
  const { fixture, files, ids } = await withKeys(t, 1);
  const layout = kmsLayout(fixture.dataDir);
  using key = await openStoreKey(layout);
  key.use((octets) => writeFileSync(layout.rootKey, octets));
  rmSync(layout.storeKey);
  await fixture.restart();
  using client = fixture.client(files);
  (await client.get(ids[0]!))[Symbol.dispose]();
});

test('a damaged or missing wrapped key stops the start, and nothing is made in its place', async (t) => {
  const { fixture } = await withKeys(t, 1);
  const { storeKey } = kmsLayout(fixture.dataDir);
  const good = readFileSync(storeKey, 'utf8');
  const bad = ['', '{', '{"v":1}', good.replace('"v":1', '"v":2'), good.slice(0, 40), good.replace('"file"', '"tape"')];
  for (const text of bad) {
    writeFileSync(storeKey, text);
    await assert.rejects(fixture.restart(), { name: 'Problem' }, text);
    assert.equal(readFileSync(storeKey, 'utf8'), text);
  }
  writeFileSync(storeKey, good.replace(/"store":"../, '"store":"AA'));
  await assert.rejects(fixture.restart(), problem('root-key.unopened'));
  rmSync(storeKey);
  await assert.rejects(fixture.restart(), problem('root-key.unopened'));
  assert.ok(!existsSync(storeKey));
  writeFileSync(storeKey, good);
  await fixture.restart();
});
