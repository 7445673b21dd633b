import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyServer } from '@vouchsafe/kmip/client/client';
import { KmipError } from '@vouchsafe/kmip/error';
import { pykmipPair, withoutPykmip } from './testing/pykmip-server.ts';

const aes256 = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;
const workers = 3;
/** Kills, in turn one of each server. `KILLS=40` for a long run. */
const kills = Number(process.env.KILLS ?? 4);

/** What a worker was told of one key. */
interface Told {
  readonly name: string;
  readonly id: string;
  readonly digest: string;
}

const digestOf = async (client: KeyServer, id: string): Promise<string> => {
  using key = await client.get(id, aes256);
  return key.material.use((octets) => createHash('sha256').update(octets).digest('hex'));
};

/** Makes keys with names of their own and reads each back until it is stopped. */
async function work(client: KeyServer, worker: number, stopped: () => boolean, told: Told[], failed: KmipError[]) {
  for (let n = 0; !stopped(); n++) {
    const name = `load-${worker}-${n}`;
    try {
      const id = await client.create({ ...aes256, name });
      told.push({ name, id, digest: await digestOf(client, id) });
    } catch (error) {
      if (!(error instanceof KmipError)) throw error;
      failed.push(error);
    }
  }
}

test('two PyKMIP servers on one database, killed in turn under load: no key lost, none doubled, none mistaken', {
  skip: withoutPykmip,
}, async (t) => {
  const pair = await pykmipPair();
  t.after(pair.close);
  const client = await pair.client('load', {
    tryTimeout: 4000,
    timeout: 20_000,
    connections: workers,
    breaker: { failures: 1, pause: 100, longest: 500 },
  });
  t.after(() => client.close());
  const [told, failed]: [Told[], KmipError[]] = [[], []];
  let over = false;
  const load = Array.from({ length: workers }, (_, i) => work(client, i, () => over, told, failed));
  const least = (count: number) => waitFor(() => told.length >= count);
  await least(10);
  for (let n = 0; n < kills; n++) {
    const which = (n % 2) as 0 | 1;
    await pair.kill(which);
    // The other one serves meanwhile.
    await least(told.length + 10);
    await pair.start(which);
    await sleep(200);
    await least(told.length + 10);
  }
  over = true;
  await Promise.all(load);
  await client.settle();

  assert.deepEqual(
    failed.map(({ message }) => message),
    [],
  );
  // Each acknowledged key is there, and nothing else is.
  const there = await client.locate({ attributes: [{ name: 'Object Type', value: 'Symmetric Key' }] });
  assert.deepEqual(there.toSorted(), told.map(({ id }) => id).toSorted());
  assert.equal(new Set(told.map(({ digest }) => digest)).size, told.length, 'no key was given twice');
  for (const { name, id, digest } of told) assert.equal(await digestOf(client, id), digest, name);
  for (const { name, id } of told.slice(-5)) assert.deepEqual(await client.locate({ name }), [id]);
  t.diagnostic(`${told.length} keys, ${kills} kills`);
});

async function waitFor(holds: () => boolean): Promise<void> {
  for (const until = Date.now() + 60_000; !holds(); await sleep(20))
    if (Date.now() > until) throw new Error('the load does not go on');
}
