import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditEntry, type AuditRecord, verifyChain } from '@vouchsafe/domain/audit/record';
import { problem } from '@vouchsafe/domain/testing/problem';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import { ResponseMessage } from '@vouchsafe/kmip/message';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { create } from '@vouchsafe/kmip/operations/create';
import { get } from '@vouchsafe/kmip/operations/get';
import { answer } from '@vouchsafe/kmip/server/engine';
import { type Asking, asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { decodeItem } from '@vouchsafe/kmip/ttlv/item';
import { KmsAudit, type OperationRecord } from './audit.ts';
import type { KmsClient } from './client.ts';
import { kmsEngine } from './engine.ts';
import { kmsLayout, makeKmsFolders } from './layout.ts';
import { serveKms } from './serve.ts';
import type { KeyStore } from './store.ts';
import { openKeyStore } from './store-open.ts';
import { kmsFixture } from './testing/fixture.ts';
import { rawClient } from './testing/raw-client.ts';
import { idsOf } from './testing/store-contract.ts';

const aes = { algorithm: 'AES', length: 256, usage: ['Encrypt'] } as const;

const attributes: Attribute[] = [
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 256 },
  { name: 'Cryptographic Usage Mask', value: 4 },
];
const creating = asking(create, { objectType: 'Symmetric Key', template: { names: [], attributes } }, Uint8Array.of(1));

async function served(t: TestContext) {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('one');
  const client = fixture.client(files);
  t.after(() => client.close());
  const raw = await rawClient(fixture.kms.address.port, files);
  t.after(raw.close);
  const path = kmsLayout(fixture.dataDir).audit.file;
  const lines = () => readFileSync(path, 'utf8').trim().split('\n').filter(Boolean);
  const records = () =>
    lines().map((line) => {
      const { action, actor, target, outcome, problem: why, detail } = JSON.parse(line) as AuditRecord;
      return [action, actor.id, detail.operation, target.id, why ?? outcome];
    });
  return { fixture, client, raw, lines, records };
}

test('a change is on the disk before its answer, with who, what, on what and what became of it', async (t) => {
  const { client, records, lines } = await served(t);
  const id = await client.create(aes);
  assert.deepEqual(records().at(-1), ['kms.change', 'one', 'Create', id, 'success']);
  await client.activate(id);
  assert.deepEqual(records().at(-1), ['kms.change', 'one', 'Activate', id, 'success']);
  await assert.rejects(client.destroy(id));
  assert.deepEqual(records().at(-1), ['kms.refuse', 'one', 'Destroy', id, 'Permission Denied']);
  verifyChain(lines());
});

test('reads stand in their order, before the change after them, and none of it holds a key', async (t) => {
  const { fixture, client, records, lines } = await served(t);
  const id = await client.create(aes);
  using key = await client.get(id);
  await client.getAttributes(id, ['State']);
  await client.activate(id);
  assert.deepEqual(
    records()
      .slice(-3)
      .map(([, , operation]) => operation),
    ['Get', 'Get Attributes', 'Activate'],
  );
  await client.get(id).then((again) => again[Symbol.dispose]());
  await fixture.kms.close();
  assert.deepEqual(records().at(-1), ['kms.read', 'one', 'Get', id, 'success']);
  verifyChain(lines());
  const text = lines().join();
  for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const)
    assert.ok(!key.material.use((octets) => text.includes(Buffer.from(octets).toString(encoding))));
});

test('what Undo takes back is recorded as taken back, and what is asked of nothing as refused', async (t) => {
  const { raw, records } = await served(t);
  await raw.ask(requestMessage([creating, asking(activate, { id: 'nothing' }, Uint8Array.of(2))], { onError: 'Undo' }));
  const [made, failed] = records().slice(-2);
  assert.deepEqual([made![0], made![2], made![4]], ['kms.refuse', 'Create', 'undone']);
  assert.deepEqual(failed, ['kms.refuse', 'one', 'Activate', 'nothing', 'Item Not Found']);
});

/** An audit file that is full for a while. */
function failing() {
  const written: AuditEntry[] = [];
  const file = {
    full: false,
    commit: async (...entries: readonly AuditEntry[]) => {
      if (file.full) throw new Error('no space');
      written.push(...entries);
    },
  };
  return { file, written };
}

const record = (operation: string): OperationRecord => ({
  message: 'm',
  operation,
  client: { name: 'one', scope: 's' },
  objects: ['k'],
  outcome: 'read',
});
const names = (entries: readonly AuditEntry[]) => entries.map(({ detail }) => detail.operation);

test('records of reads are written soon by themselves; strict ones at once', async () => {
  const { file, written } = failing();
  const audit = new KmsAudit(file, false);
  await audit.reads([record('a')]);
  assert.deepEqual(written, []);
  for (let waited = 0; written.length === 0 && waited < 100; waited++) await sleep(10);
  assert.deepEqual(names(written), ['a']);
  const strict = new KmsAudit(file, true);
  await strict.reads([record('b')]);
  assert.deepEqual(names(written), ['a', 'b']);
});

test('when reads cannot be recorded nothing more is done, and what is owed comes first afterwards', async () => {
  const { file, written } = failing();
  const audit = new KmsAudit(file, false);
  await audit.reads([record('a')]);
  file.full = true;
  await assert.rejects(audit.changes([record('b')]), /no space/);
  await assert.rejects(audit.reads([record('c')]), /no space/);
  file.full = false;
  await audit.reads([record('d')]);
  assert.deepEqual(names(written), ['a', 'd']);
  await audit.close();
});

test('without a record nothing changes: the client is refused, and the key is not there', async (t) => {
  const { file } = failing();
  const folder = mkdtempSync(join(tmpdir(), 'kms-audit-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const layout = kmsLayout(folder);
  makeKmsFolders(layout);
  await using store = await openKeyStore(layout);
  const client: KmsClient = { name: 'one', scope: 's', roles: ['user'], users: [], added: new Date(0) };
  const engine = kmsEngine(store, new KmsAudit(file, false), { now: () => new Date() });
  const ask = async (item: Asking) =>
    decodeItem(ResponseMessage, (await answer(engine, client, requestMessage([item]))).message).items[0]!;
  const count = () => store.read((tx) => idsOf(tx, 's')).then(({ length }) => length);
  file.full = true;
  assert.equal((await ask(creating)).reason, 'General Failure');
  assert.equal(await count(), 0);
  assert.equal((await ask(asking(get, { id: 'a' }))).reason, 'General Failure');
  file.full = false;
  assert.equal((await ask(creating)).status, 'Success');
  assert.equal(await count(), 1);
});

test('what was recorded and then done again is recorded as taken back, and what was not confirmed as such', async (t) => {
  const { file, written } = failing();
  const folder = mkdtempSync(join(tmpdir(), 'kms-audit-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const layout = kmsLayout(folder);
  makeKmsFolders(layout);
  await using store = await openKeyStore(layout);
  let fails = 1;
  /** As a database that finds out at the commit that another transaction came in between. */
  const late: KeyStore = {
    read: (work) => store.read(work),
    async transaction(work, before) {
      for (; fails > 0; fails--)
        await assert.rejects(
          store.transaction(async (tx) => {
            await before?.(await work(tx));
            throw new Error('came in between');
          }),
        );
      if (fails < 0) {
        await store.transaction(work, before);
        throw new Error('no word of the commit');
      }
      return await store.transaction(work, before);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const client: KmsClient = { name: 'one', scope: 's', roles: ['user'], users: [], added: new Date(0) };
  const engine = kmsEngine(late, new KmsAudit(file, false), { now: () => new Date() });
  const ask = async () =>
    decodeItem(ResponseMessage, (await answer(engine, client, requestMessage([creating]))).message).items[0]!;
  assert.equal((await ask()).status, 'Success');
  const told = () =>
    written.map(({ action, problem: why, target, detail }) => [action, why, target.id, detail.message]);
  const [first, back, second] = told();
  assert.deepEqual(
    [first![0], back![0], back![1], second![0]],
    ['kms.change', 'kms.refuse', 'retracted', 'kms.change'],
  );
  assert.deepEqual(back!.slice(2), first!.slice(2));
  assert.equal(second![3], first![3]);
  assert.deepEqual(await store.read((tx) => idsOf(tx, 's')), [second![2]]);
  fails = -1;
  assert.equal((await ask()).reason, 'General Failure');
  assert.deepEqual(told().at(-1)!.slice(0, 2), ['kms.refuse', 'unconfirmed']);
});

test('a second server on the same data does not start', async (t) => {
  const { fixture } = await served(t);
  await assert.rejects(
    serveKms({ dataDir: fixture.dataDir, listen: { host: '127.0.0.1', port: 0 } }),
    problem('object.in-use'),
  );
});
