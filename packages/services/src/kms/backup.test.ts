import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { problem } from '@vouchsafe/domain/testing/problem';
import { backUp } from './backup.ts';
import { kmsLayout } from './layout.ts';
import { restore } from './restore.ts';
import { makeRecoveryKey } from './root-key/recovery.ts';
import { serveKms } from './serve.ts';
import { clientOf, kmsFixture } from './testing/fixture.ts';

const aes = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;

async function served(t: TestContext) {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('one');
  const client = fixture.client(files);
  t.after(() => client.close());
  const at = (name: string) => join(fixture.dataDir, '..', name);
  return { fixture, files, client, at, layout: kmsLayout(fixture.dataDir) };
}

test('a backup made while keys are made holds all that were there, and serves the same clients elsewhere', async (t) => {
  const { files, client, at, layout } = await served(t);
  const ids: string[] = [];
  for (let i = 0; i < 10; i++) ids.push(await client.create({ ...aes, name: `key ${i}` }));
  let more = true;
  const writing = (async () => {
    while (more) await client.create(aes);
  })();
  const facts = await backUp(layout.dataDir, at('backup'));
  more = false;
  await writing;
  assert.ok(facts.objects >= 10);
  assert.equal(facts.clients, 1);
  assert.equal(statSync(at('backup')).mode & 0o777, 0o600);

  assert.deepEqual(await restore(at('backup'), at('restored'), { rootKey: layout.rootKey }), facts);
  const kms = await serveKms({ dataDir: at('restored'), listen: { host: '127.0.0.1', port: 0 } });
  t.after(kms.close);
  assert.deepEqual(readFileSync(kmsLayout(at('restored')).server.file), readFileSync(layout.server.file));
  using there = clientOf(kms, files);
  for (const [i, id] of ids.entries()) {
    using here = await client.get(id);
    using again = await there.get(id);
    assert.ok(here.material.equals(again.material));
    assert.deepEqual(await there.locate({ name: `key ${i}` }), [id]);
  }
});

test('nothing in a backup opens without the root key, and none of it is in the clear', async (t) => {
  const { client, at, layout } = await served(t);
  const id = await client.create(aes);
  using key = await client.get(id);
  await backUp(layout.dataDir, at('backup'));
  const octets = readFileSync(at('backup'));
  assert.ok(!key.material.use((secret) => octets.includes(Buffer.from(secret))));
  assert.ok(!octets.includes(readFileSync(layout.rootKey)));
  assert.ok(!octets.includes(Buffer.from('PRIVATE KEY')));
  await assert.rejects(restore(at('backup'), at('restored')), problem('file.unreadable', /root\.key: missing/));
  writeFileSync(at('other'), Buffer.alloc(32, 7));
  await assert.rejects(restore(at('backup'), at('restored'), { rootKey: at('other') }), problem('root-key.unopened'));
  assert.ok(!existsSync(at('restored')));
  assert.deepEqual(
    readdirSync(at('.')).filter((name) => name.includes('restor')),
    [],
  );
});

test('the recovery key restores what the root key is lost of', async (t) => {
  const { client, at, layout } = await served(t);
  const id = await client.create(aes);
  await makeRecoveryKey(layout, at('recovery'), new Date());
  await backUp(layout.dataDir, at('backup'));
  assert.equal((await restore(at('backup'), at('restored'), { recovery: at('recovery') })).objects, 1);
  const kms = await serveKms({ dataDir: at('restored'), listen: { host: '127.0.0.1', port: 0 } });
  await kms.close();
  assert.ok(id);
});

test('nothing is written over: neither a file nor a folder that holds anything', async (t) => {
  const { at, layout } = await served(t);
  writeFileSync(at('backup'), 'precious');
  await assert.rejects(backUp(layout.dataDir, at('backup')), problem('object.exists'));
  assert.equal(readFileSync(at('backup'), 'utf8'), 'precious');
  rmSync(at('backup'));
  await backUp(layout.dataDir, at('backup'));
  await assert.rejects(restore(at('backup'), layout.dataDir, { rootKey: layout.rootKey }), problem('object.exists'));
  mkdirSync(at('empty'));
  await restore(at('backup'), at('empty'), { rootKey: layout.rootKey });
});

test('a backup that was changed anywhere is refused, and so is what is none', async (t) => {
  const { client, at, layout } = await served(t);
  for (let i = 0; i < 20; i++) await client.create({ ...aes, name: `key ${i}` });
  await backUp(layout.dataDir, at('backup'));
  const good = readFileSync(at('backup'));
  const refused = async (octets: Uint8Array, what: string) => {
    writeFileSync(at('damaged'), octets);
    await assert.rejects(
      restore(at('damaged'), at('restored'), { rootKey: layout.rootKey }),
      { name: 'Problem' },
      what,
    );
    assert.ok(!existsSync(at('restored')), what);
  };
  for (const cut of [0, 20, 100, 4096, good.length - 4096, good.length - 1])
    await refused(good.subarray(0, cut), `cut to ${cut}`);
  for (let where = 50; where < good.length; where += Math.floor(good.length / 40))
    await refused(good.with(where, good[where]! ^ 0x10), `octet ${where}`);
  await refused(readFileSync(layout.database.file), 'a database');
  await refused(Buffer.from('something else '.repeat(1000)), 'a text');
});
