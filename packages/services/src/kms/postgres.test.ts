import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { problem } from '@vouchsafe/domain/testing/problem';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { get } from '@vouchsafe/kmip/operations/get';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { sealerOf } from '@vouchsafe/store/seal';
import { addKmsClient } from './clients.ts';
import { kmsLayout, makeKmsFolders } from './layout.ts';
import { openPostgresStore } from './postgres-open.ts';
import { serveKms } from './serve.ts';
import { openKeyStore } from './store-open.ts';
import { clientOf } from './testing/fixture.ts';
import { type Postgres, startPostgres, withoutPostgres } from './testing/postgres.ts';
import { rawClient } from './testing/raw-client.ts';
import { keyStoreContract } from './testing/store-contract.ts';

const options = { skip: withoutPostgres };
let postgres: Postgres;
before(async () => {
  if (withoutPostgres === false) postgres = await startPostgres();
});
after(async () => {
  await postgres?.close();
});

function folder(t: TestContext) {
  const path = mkdtempSync(join(tmpdir(), 'kms-'));
  t.after(() => rmSync(path, { recursive: true }));
  const layout = kmsLayout(path);
  makeKmsFolders(layout);
  return layout;
}

keyStoreContract(
  'PostgreSQL',
  async (t) => {
    const connection = { ...postgres.connection, database: await postgres.database() };
    const layout = folder(t);
    writeFileSync(layout.storeKey, '');
    const sealer = sealerOf(Secret.take(randomBytes(32)));
    const open = () => openPostgresStore(layout, connection, async () => sealer);
    // At the same time: both make the tables.
    const [store, other] = await Promise.all([open(), open()]);
    t.after(async () => {
      for (const each of [store, other]) await each[Symbol.asyncDispose]();
    });
    return { store, other };
  },
  withoutPostgres,
);

/** Folders of several key servers on one database. */
async function servers(t: TestContext, count: number) {
  const database = await postgres.database();
  const config = `[postgres]
host = "127.0.0.1"
port = ${postgres.port}
database = "${database}"
user = "postgres"
password_file = "${postgres.passwordFile}"
`;
  const layouts = Array.from({ length: count }, () => folder(t));
  for (const layout of layouts) writeFileSync(layout.config, config);
  return { layouts, database };
}

const listen = { host: '127.0.0.1', port: 0 };
const aes = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;

test('several key servers on one database are one: clients, keys and their states', options, async (t) => {
  const { layouts } = await servers(t, 2);
  const [one, two] = layouts as [(typeof layouts)[0], (typeof layouts)[0]];
  const files = await addKmsClient({ dataDir: one.dataDir, name: 'c', outDir: join(one.dataDir, 'out') });
  await assert.rejects(openKeyStore(two), problem('root-key.unopened', /copy it, and its root key, from another/));
  for (const name of ['rootKey', 'storeKey'] as const) copyFileSync(one[name], two[name]);
  cpSync(one.authority.folder, two.authority.folder, { recursive: true });
  const running = await Promise.all(layouts.map(({ dataDir }) => serveKms({ dataDir, listen })));
  t.after(() => Promise.all(running.map((each) => each.close())));
  const [first, second] = running.map((kms) => clientOf(kms, files)) as [
    ReturnType<typeof clientOf>,
    ReturnType<typeof clientOf>,
  ];
  t.after(() => {
    for (const each of [first, second]) each.close();
  });
  const id = await first.create({ ...aes, name: 'shared' });
  using here = await first.get(id);
  using there = await second.get(id);
  assert.ok(here.material.equals(there.material));
  assert.deepEqual(await second.locate({ name: 'shared' }), [id]);

  for (const act of ['activate', 'revoke', 'destroy'] as const) {
    const call = (client: typeof first) =>
      act === 'revoke' ? client.revoke(id, { code: 'Cessation of Operation' }) : client[act](id);
    const results = await Promise.allSettled([first, second, first, second].map(call));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1, act);
  }
});

test('a database that goes away fails requests, and the service comes back with it', options, async (t) => {
  const { layouts } = await servers(t, 1);
  const { dataDir } = layouts[0]!;
  const files = await addKmsClient({ dataDir, name: 'c', outDir: join(dataDir, 'out') });
  const kms = await serveKms({ dataDir, listen });
  t.after(kms.close);
  const client = clientOf(kms, files);
  t.after(() => client.close());
  const id = await client.create(aes);
  const raw = await rawClient(kms.address.port, files);
  t.after(raw.close);
  await postgres.kill();
  for (const operation of [asking(get, { id }), asking(activate, { id })]) {
    const [item] = (await raw.ask(requestMessage([operation]))).items;
    assert.equal(item?.reason, 'General Failure');
    assert.doesNotMatch(item?.message ?? '', /ECONN|terminat|5432|postgres/);
  }
  await postgres.start();
  await client.activate(id);
  (await client.get(id))[Symbol.dispose]();
  const [item] = (await raw.ask(requestMessage([asking(get, { id })]))).items;
  assert.equal(item?.status, 'Success');
});

test('a database that does not keep what it commits is refused', options, async (t) => {
  const { layouts, database } = await servers(t, 1);
  const { default: pg } = await import('pg');
  const admin = new pg.Client(postgres.connection);
  await admin.connect();
  await admin.query(`ALTER DATABASE ${database} SET synchronous_commit = off`);
  await admin.end();
  await assert.rejects(openKeyStore(layouts[0]!), problem('config.invalid', /synchronous_commit is off/));
});

test('another password, or no server, is said, and the password is not', options, async (t) => {
  const { layouts } = await servers(t, 1);
  const wrong = join(layouts[0]!.dataDir, 'wrong');
  writeFileSync(wrong, 'canary-password');
  const config = (port: number) =>
    writeFileSync(
      layouts[0]!.config,
      `postgres = { host = "127.0.0.1", port = ${port}, database = "x", user = "postgres", password_file = "${wrong}" }`,
    );
  config(postgres.port);
  await assert.rejects(openKeyStore(layouts[0]!), (error: Error) => {
    assert.match(error.message, /password authentication failed/);
    assert.doesNotMatch(String(error.stack) + JSON.stringify(error.cause), /canary/);
    return true;
  });
  config(1);
  await assert.rejects(openKeyStore(layouts[0]!), problem('store.unavailable', /ECONNREFUSED/));
});

test('a configuration with a mistake names it', options, async (t) => {
  const { layouts } = await servers(t, 1);
  for (const [text, message] of [
    ['audit_reads = "never"', /audit_reads/],
    ['[postgres]\nhost = "x"', /database/],
    ['store = 1', /store/],
    ['[postgres', /kms\.toml/],
  ] as const) {
    writeFileSync(layouts[0]!.config, text);
    await assert.rejects(openKeyStore(layouts[0]!), problem('config.invalid', message), text);
  }
});
