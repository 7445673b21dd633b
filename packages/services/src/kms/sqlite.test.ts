import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { problem } from '@vouchsafe/domain/testing/problem';
import { Attribute, customAttribute, nameAttribute } from '@vouchsafe/kmip/attribute';
import { SymmetricKey } from '@vouchsafe/kmip/managed-object';
import { decodeItem, encodeItem } from '@vouchsafe/kmip/ttlv/item';
import { type Sealer, sealerOf } from '@vouchsafe/store/seal';
import { kmsLayout, makeKmsFolders } from './layout.ts';
import { migrations } from './schema.ts';
import { openSqliteStore } from './sqlite-open.ts';
import { idsOf, keyStoreContract, newObject } from './testing/store-contract.ts';

function folder(t: TestContext) {
  const path = mkdtempSync(join(tmpdir(), 'kms-store-'));
  t.after(() => rmSync(path, { recursive: true }));
  const layout = kmsLayout(path);
  makeKmsFolders(layout);
  return layout;
}

const newSealer = () => sealerOf(Secret.take(randomBytes(32)));

keyStoreContract('SQLite', async (t) => {
  const layout = folder(t);
  const sealer = newSealer();
  const [store, other] = [openSqliteStore(layout, sealer), openSqliteStore(layout, sealer)];
  t.after(async () => {
    for (const each of [store, other]) await each[Symbol.asyncDispose]();
  });
  return { store, other };
});

/** A database as the first version left it: two keys of a client, one of them destroyed, one of a removed client. */
function releasedDatabase(file: string, sealer: Sealer): void {
  const database = new DatabaseSync(file);
  migrations[0]!(database, sealer);
  database.exec(`PRAGMA user_version = 1;
    INSERT INTO client VALUES ('f1', 'one', 'pem', 1700000000);
    INSERT INTO object VALUES
      ('k1', 'f1', 'Symmetric Key', 'Active', 'AES', 256, 12, NULL, 1700000001, 1700000002, NULL, NULL, NULL, NULL, NULL, NULL, 1700000002),
      ('k2', 'f1', 'Symmetric Key', 'Destroyed Compromised', 'AES', 128, 12, NULL, 1700000003, NULL, NULL, 1700000005, 1700000004, 1700000003, 'Key Compromise', 'lost', 1700000005),
      ('k3', 'gone', 'Symmetric Key', 'Pre-Active', 'AES', 256, 4, NULL, 1700000006, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1700000006)`);
  for (const id of ['k1', 'k3'])
    database
      .prepare('UPDATE object SET material = ? WHERE id = ?')
      .run(sealer.seal(`${id}/Symmetric Key`, Secret.take(Buffer.alloc(32, id))), id);
  const name = database.prepare('INSERT INTO attribute VALUES (?, ?, ?, ?)');
  name.run('k1', 'Name', 0, encodeItem(Attribute, nameAttribute('first')));
  name.run('k1', 'Name', 1, encodeItem(Attribute, nameAttribute('second')));
  name.run('k2', 'x-Vendor', 0, encodeItem(Attribute, customAttribute('x-Vendor', 'somebody')));
  database.prepare('INSERT INTO seal_probe VALUES (1, ?)').run(sealer.seal('seal probe', Secret.take(Buffer.of(1))));
  database.close();
}

test('a database of the first version is taken over: every object, its content, attributes and client', async (t) => {
  const layout = folder(t);
  const sealer = newSealer();
  releasedDatabase(layout.database.file, sealer);
  await using store = openSqliteStore(layout, sealer);
  await store.read(async (tx) => {
    const client = (await tx.client('f1'))!;
    const k1 = (await tx.object(client.scope, 'k1'))!;
    assert.deepEqual([k1.state, k1.activation, k1.initial], ['Active', new Date(1700000002e3), new Date(1700000001e3)]);
    assert.deepEqual(
      k1.attributes.map(({ name, index }) => [name, index]),
      [
        ['Cryptographic Algorithm', undefined],
        ['Cryptographic Length', undefined],
        ['Cryptographic Usage Mask', undefined],
        ['Name', undefined],
        ['Name', 1],
      ],
    );
    assert.deepEqual(await idsOf(tx, client.scope, [nameAttribute('second')]), ['k1']);
    using content = await tx.content(k1);
    const { block } = content!.use((octets) => decodeItem(SymmetricKey, octets));
    assert.ok('material' in block.value! && block.value.material instanceof Secret);
    assert.ok(block.value.material.equals(Secret.take(Buffer.alloc(32, 'k1'))));
    const k2 = (await tx.object(client.scope, 'k2'))!;
    assert.equal(await tx.content(k2), undefined);
    assert.deepEqual(k2.attributes.find(({ name }) => name === 'Revocation Reason')?.value, {
      code: 'Key Compromise',
      message: 'lost',
    });
    assert.deepEqual([k2.compromised, k2.destroyed], [new Date(1700000004e3), new Date(1700000005e3)]);
    assert.deepEqual(await idsOf(tx, 'gone'), ['k3']);
    assert.equal(await tx.object(client.scope, 'k3'), undefined);
  });
});

test('a database of the first version stays as it is when its key is another one', async (t) => {
  const layout = folder(t);
  const sealer = newSealer();
  releasedDatabase(layout.database.file, sealer);
  assert.throws(() => openSqliteStore(layout, newSealer()), problem('root-key.unopened'));
  await using store = openSqliteStore(layout, sealer);
  assert.equal((await store.read((tx) => tx.clients())).length, 1);
});

test('a database of a newer version is not touched', (t) => {
  const layout = folder(t);
  const database = new DatabaseSync(layout.database.file);
  database.exec('PRAGMA user_version = 99');
  database.close();
  assert.throws(() => openSqliteStore(layout, newSealer()), problem('config.invalid', /newer version/));
});

test('writers share commits, and readers do not wait for them', async (t) => {
  const layout = folder(t);
  await using store = openSqliteStore(layout, newSealer());
  let [waiting, most] = [0, 0];
  const before = async () => {
    most = Math.max(most, ++waiting);
    await new Promise((resolve) => setImmediate(resolve));
    waiting -= 1;
  };
  const first = store.transaction(async (tx) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    await tx.insert(newObject('a'), undefined);
  }, before);
  const others = Array.from({ length: 8 }, () =>
    store.transaction((tx) => tx.insert(newObject('a'), undefined), before),
  );
  assert.deepEqual(await store.read((tx) => idsOf(tx, 'a')), []);
  await Promise.all([first, ...others]);
  assert.ok(most > 1, 'every writer had a commit of its own');
  assert.equal((await store.read((tx) => idsOf(tx, 'a'))).length, 9);
});
