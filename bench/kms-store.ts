/**
 * The store of the key server: durable Create against bare synced commits of SQLite, Locate among many keys, start and
 * memory. Client and server are two processes on this machine. Prints JSON.
 *
 *     node bench/kms-store.ts [--keys 1000000] [--folder DIR] [--seconds 5]
 *
 * The folder is filled when it is empty, which takes a minute or two for a million keys, and stays when it was given.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { Secret } from '@vouchsafe/bytes/secret';
import { type Attribute, customAttribute, nameAttribute } from '@vouchsafe/kmip/attribute';
import type { KeyServer } from '@vouchsafe/kmip/client/client';
import { addKmsClient, type ClientFiles } from '@vouchsafe/services/kms/clients';
import { kmsLayout } from '@vouchsafe/services/kms/layout';
import { type RunningKms, serveKms } from '@vouchsafe/services/kms/serve';
import { openKeyStore } from '@vouchsafe/services/kms/store-open';
import { clientOf } from '@vouchsafe/services/kms/testing/fixture';

const { values } = parseArgs({
  options: {
    serve: { type: 'string' },
    keys: { type: 'string', default: '1000000' },
    folder: { type: 'string' },
    seconds: { type: 'string', default: '5' },
  },
});
const keys = Number(values.keys);
const seconds = Number(values.seconds);

/** The server, in a process of its own. */
async function serve(dataDir: string): Promise<void> {
  const { address, authorityPem } = await serveKms({ dataDir, listen: { host: '127.0.0.1', port: 0 } });
  process.send!({ address, authorityPem });
  process.on('message', () => process.send!(process.memoryUsage().rss));
}

async function measure(): Promise<void> {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'kms-store-'));
  const dataDir = join(folder, 'data');
  try {
    if (!existsSync(dataDir)) await fill(dataDir);
    const files = await addKmsClient({
      dataDir,
      name: `bench-${randomUUID()}`,
      scope: 'bench',
      outDir: join(folder, 'out'),
    });
    const began = performance.now();
    const { child, kms } = await started(dataDir);
    const start = performance.now() - began;
    const resident = async () => {
      child.send('memory');
      return await new Promise<number>((resolve) => child.once('message', resolve));
    };
    const atStart = await resident();
    const located = { name: await locate(kms, files, byName), attribute: await locate(kms, files, byAttribute) };
    const made = {
      one: await creates(kms, files, 1),
      eight: await creates(kms, files, 8),
      sixteen: await creates(kms, files, 16),
    };
    const bare = bareCommits(join(folder, 'bare.sqlite'));
    const after = await resident();
    child.kill();
    const figures = {
      keys,
      start: { milliseconds: Math.round(start), residentMiB: Math.round(atStart / 2 ** 20) },
      locate: located,
      create: { unit: '/s', bareCommits: bare, ...made, ratioOfEight: made.eight / bare, ratioOfOne: made.one / bare },
      afterwards: { residentMiB: Math.round(after / 2 ** 20) },
    };
    process.stdout.write(`${JSON.stringify({ benchmark: 'kms-store', ...figures })}\n`);
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true });
  }
}

const started = (dataDir: string): Promise<{ child: ChildProcess; kms: RunningKms }> => {
  const child = fork(import.meta.filename, ['--serve', dataDir]);
  return new Promise((resolve, reject) => {
    child.once('message', (kms) => resolve({ child, kms: kms as RunningKms }));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
};

const attributesOf = (n: number): Attribute[] => [
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 256 },
  { name: 'Cryptographic Usage Mask', value: 12 },
  nameAttribute(`key ${n}`),
  customAttribute('x-Identifier', `vm-${n}`),
  customAttribute('x-Vendor', 'VMware, Inc.'),
];

/** Keys as vCenter makes and labels them, as they would stand there after years. */
async function fill(dataDir: string): Promise<void> {
  const layout = kmsLayout(dataDir);
  // Makes the folders.
  await addKmsClient({ dataDir, name: 'filler', scope: 'bench', outDir: join(dataDir, 'filler') });
  await using store = await openKeyStore(layout);
  const time = new Date('2026-01-01T00:00:00Z');
  const common = { scope: 'bench', owner: 'filler', type: 'Symmetric Key', initial: time, changed: time } as const;
  for (let from = 0; from < keys; from += 10_000)
    await store.transaction(async (tx) => {
      for (let n = from; n < Math.min(keys, from + 10_000); n++) {
        using content = Secret.take(randomBytes(120));
        await tx.insert({ ...common, id: randomUUID(), state: 'Active', attributes: attributesOf(n) }, content);
      }
    });
}

const byName = (n: number) => nameAttribute(`key ${n}`);
const byAttribute = (n: number) => customAttribute('x-Identifier', `vm-${n}`);

/** Milliseconds. */
async function locate(kms: RunningKms, files: ClientFiles, wanted: (n: number) => Attribute) {
  using client = clientOf(kms, files);
  const times: number[] = [];
  for (let i = 0; i < 3000; i++) {
    const began = performance.now();
    const ids = await client.locate({ attributes: [wanted(Math.floor(Math.random() * keys))] });
    if (ids.length !== 1) throw new Error(`found ${ids.length} keys`);
    if (i >= 1000) times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => Number(times[Math.floor(times.length * share)]!.toFixed(3));
  return { p50: at(0.5), p99: at(0.99), most: at(0.9999) };
}

/** Keys a second, over this many connections. */
async function creates(kms: RunningKms, files: ClientFiles, connections: number): Promise<number> {
  const clients = Array.from({ length: connections }, () => clientOf(kms, files));
  let made = 0;
  const until = (time: number, client: KeyServer) => async () => {
    while (performance.now() < time) {
      await client.create({ algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] });
      made++;
    }
  };
  const round = async (length: number) => {
    const began = performance.now();
    made = 0;
    await Promise.all(clients.map((client) => until(began + length, client)()));
    return Math.round((made * 1000) / (performance.now() - began));
  };
  await round(1000);
  const rate = await round(seconds * 1000);
  for (const client of clients) client.close();
  return rate;
}

/** Rows of the same size a second, each in a synced commit of its own: what SQLite does on this disk. */
function bareCommits(path: string): number {
  const database = new DatabaseSync(path);
  try {
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE row (id INTEGER PRIMARY KEY, octets BLOB)',
    );
    const insert = database.prepare('INSERT INTO row (octets) VALUES (?)');
    const octets = randomBytes(600);
    const began = performance.now();
    let count = 0;
    for (; performance.now() - began < seconds * 1000; count++) insert.run(octets);
    return Math.round((count * 1000) / (performance.now() - began));
  } finally {
    database.close();
    for (const each of ['', '-wal', '-shm']) rmSync(path + each, { force: true });
  }
}

if (values.serve === undefined) await measure();
else await serve(values.serve);
