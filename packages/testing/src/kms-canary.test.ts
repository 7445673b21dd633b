import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '@vouchsafe/bytes/secret';
import { type KeyServer, kmipClient } from '@vouchsafe/kmip/client/client';
import type { ManagedObject } from '@vouchsafe/kmip/managed-object';
import { get } from '@vouchsafe/kmip/operations/get';
import { register } from '@vouchsafe/kmip/operations/register';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { kmsLayout } from '@vouchsafe/services/kms/layout';
import { openStoreKey } from '@vouchsafe/services/kms/root-key/open-store-key';
import { type Postgres, startPostgres, withoutPostgres } from '@vouchsafe/services/kms/testing/postgres';
import { rawClient } from '@vouchsafe/services/kms/testing/raw-client';
import { must } from './command.ts';
import { Daemon } from './daemon.ts';
import { freePort } from './loopback.ts';
import { type Canary, canariesBelow, canariesInProcesses, canary } from './site/canary.ts';
import { vouchsafe } from './site/program.ts';
import { until } from './wait.ts';
import { Workdir } from './workdir.ts';

/** Where the kernel puts cores: a pipe belongs to the machine, and what it does with them nobody sees here. */
const corePattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
const withoutCores = /^[^|/%]+$/.test(corePattern) ? false : `core_pattern is ${corePattern}`;

const aes256 = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt', 'Wrap Key'] } as const;
const symmetric = (octets: Uint8Array): ManagedObject => ({
  type: 'Symmetric Key',
  block: {
    format: 'Raw',
    value: { material: Secret.take(Uint8Array.from(octets)), attributes: [] },
    algorithm: 'AES',
    length: octets.length * 8,
  },
});

const stores = [
  { name: 'SQLite', skip: false },
  { name: 'PostgreSQL', skip: withoutPostgres },
] as const;
for (const { name, skip } of stores)
  describe(`keys of a key server on ${name} stay where they belong`, { skip }, () => {
    let postgres: Postgres | undefined;
    let work: Workdir;
    let data: string;
    let log: string;
    let address: { host: string; port: number };
    let server: Daemon;
    const known = randomBytes(32);
    const canaries: Canary[] = [canary('registered key', known)];

    before(async () => {
      work = await Workdir.create('canary');
      data = join(work.path, 'data');
      log = join(work.path, 'kms.log');
      if (name === 'PostgreSQL') postgres = await onPostgres(data);
      address = { host: '127.0.0.1', port: await freePort() };
      await must(vouchsafe('kms', 'client', 'add', 'one', '--data', data, '--out', work.path));
      server = await start();
    });
    after(async () => {
      await server[Symbol.asyncDispose]();
      await postgres?.close();
      await work[Symbol.asyncDispose]();
    });

    /** May write cores as large as they get, in a folder of their own. */
    async function start(): Promise<Daemon> {
      const cores = join(work.path, 'cores');
      mkdirSync(cores, { recursive: true });
      const listen = `${address.host}:${address.port}`;
      const program = vouchsafe('serve', 'kms', '--data', data, '--listen', listen);
      rmSync(log, { force: true });
      const options = { name: 'key server', log, cwd: cores };
      const daemon = await Daemon.start(['prlimit', '--core=unlimited', '--', ...program], options);
      await until('key server', 30_000, async () => {
        await daemon.mustRun();
        return (await readFile(log, 'utf8')).includes('listening') || undefined;
      });
      return daemon;
    }

    const files = () => ({
      certificate: join(work.path, 'one.crt'),
      key: join(work.path, 'one.key'),
      authority: join(work.path, 'ca.crt'),
      fingerprint: '',
    });
    const client = (): KeyServer =>
      kmipClient({
        servers: [{ ...address, trust: { ca: readFileSync(files().authority, 'utf8') } }],
        certificate: readFileSync(files().certificate, 'utf8'),
        key: createPrivateKey(readFileSync(files().key)),
      });

    test('a key is made, registered, used, wrapped, asked for amiss and destroyed', async () => {
      using one = client();
      const made = await one.create({ ...aes256, name: 'canary-made' });
      {
        using key = await one.get(made);
        canaries.push(key.material.use((octets) => canary('made key', octets)));
      }
      const object = symmetric(known);
      const registered = await one.register({ object, usage: aes256.usage, name: 'canary-registered' });
      for (const id of [made, registered]) await one.activate(id);
      const secret = await one.encrypt(registered, Secret.take(new Uint8Array(Buffer.from('words'))));
      const { iv, tag } = secret;
      (await one.decrypt(registered, { data: secret.data, iv, tag }))[Symbol.dispose]();
      (await one.getWrapped(registered, { wrappingKey: made }))[Symbol.dispose]();
      const gone = await one.register({ object, usage: aes256.usage, name: 'canary-gone' });
      await one.destroy(gone);
      const errors = await Promise.allSettled([
        one.get(gone),
        one.register({ object, usage: [], name: 'canary-made' }),
      ]);
      assert.deepEqual(hits(Buffer.from(inspect(errors, { depth: 9 }))), []);
      assert.deepEqual(
        errors.map(({ status }) => status),
        ['rejected', 'rejected'],
      );
    });

    test('no answer to a malformed message repeats a key that stands in it', async () => {
      const template = { names: [], attributes: [] };
      const whole = requestMessage([
        asking(register, { objectType: 'Symmetric Key', template, object: symmetric(known) }),
      ]);
      assert.ok(whole.includes(known), 'the request holds the key');
      for (let at = 8; at < whole.length; at += 11) {
        const connection = await rawClient(address.port, files());
        const received: Buffer[] = [];
        connection.socket.on('data', (chunk: Buffer) => received.push(Buffer.from(chunk)));
        connection.send(whole.with(at, whole[at]! ^ 0x41));
        connection.send(requestMessage([asking(get, { id: 'none' })]));
        for (let answers = 0; answers < 2; answers++) await connection.receive();
        assert.ok(received.length > 0, `octet ${at}`);
        assert.deepEqual(hits(Buffer.concat(received)), []);
        connection.close();
      }
    });

    /** In every file of the server, of this test and of the database. */
    const found = (canaries: readonly Canary[]) =>
      [work.path, ...(postgres === undefined ? [] : [postgres.connection.host])].flatMap((folder) =>
        canariesBelow(folder, canaries),
      );
    const hits = (octets: Buffer) =>
      canaries.filter(({ spellings }) => spellings.some((each) => octets.includes(each))).map(({ name }) => name);

    test('no file of the server and no log holds one, before and after it is killed and started again', async () => {
      assert.deepEqual(found(canaries), []);
      await server.kill();
      assert.deepEqual(found(canaries), []);
      server = await start();
      using one = client();
      const [id = ''] = await one.locate({ name: 'canary-registered' });
      {
        using key = await one.get(id);
        assert.ok(key.material.use((octets) => known.equals(octets)));
      }
      await one.revoke(id, { code: 'Cessation of Operation' });
      await one.destroy(id);
      assert.deepEqual(found(canaries), []);
      assert.deepEqual(canariesInProcesses(canaries), []);
    });

    test('the search finds what is there: names in the database, the root key in its file, a key in a log', async () => {
      const database = found([canary('name', Buffer.from('canary-made'))]);
      assert.ok(
        database.some((hit) => hit.includes(name === 'SQLite' ? 'kms.sqlite' : postgres!.connection.host)),
        String(database),
      );
      const rootKey = canary('root key', readFileSync(kmsLayout(data).rootKey));
      assert.deepEqual(canariesBelow(data, [rootKey]), [`root key in ${kmsLayout(data).rootKey}`]);
      for (const spelling of canaries[0]!.spellings) {
        writeFileSync(join(work.path, 'control.log'), Buffer.concat([Buffer.from('a line: '), spelling]));
        assert.equal(canariesBelow(work.path, canaries).length, 1);
      }
      rmSync(join(work.path, 'control.log'));
    });

    if (name === 'SQLite')
      test('a core dump holds none, and would without the filter', { skip: withoutCores }, async () => {
        const stored = await storeKey(data);
        assert.deepEqual(found([stored]), [], 'the key of the store is in no file');
        const all = [...canaries, stored];
        for (const filter of [undefined, '0x33']) {
          if (filter !== undefined) writeFileSync(`/proc/${server.pid}/coredump_filter`, filter);
          server.signal('SIGABRT');
          await server.ended;
          const cores = globSync(join(work.path, 'cores', '*'));
          assert.equal(cores.length, 1, 'a core was written');
          const inCore = canariesBelow(join(work.path, 'cores'), all).map((hit) => hit.split(' in ')[0]);
          if (filter === undefined) assert.deepEqual(inCore, []);
          else assert.ok(inCore.includes('key of the store'), 'the search finds keys in cores');
          for (const core of cores) rmSync(core);
          server = await start();
        }
      });
  });

/** A database of its own; `kms.toml` says where it is. */
async function onPostgres(data: string): Promise<Postgres> {
  const postgres = await startPostgres();
  const { host, port, user } = postgres.connection;
  const database = await postgres.database();
  const lines = Object.entries({ host, port, user, database }).map(
    ([key, value]) => `${key} = ${JSON.stringify(value)}`,
  );
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(join(data, 'kms.toml'), ['[postgres]', ...lines, ''].join('\n'), { mode: 0o600 });
  return postgres;
}

async function storeKey(data: string): Promise<Canary> {
  using key = await openStoreKey(kmsLayout(data));
  assert.ok(existsSync(kmsLayout(data).storeKey));
  return key.use((octets) => canary('key of the store', octets));
}
