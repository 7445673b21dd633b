import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyServer } from '@vouchsafe/kmip/client/client';
import type { KmipClientOptions } from '@vouchsafe/kmip/client/options';
import { KmipError } from '@vouchsafe/kmip/error';

const aes256 = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;
const workers = 3;

/** How the client of a pair is made, so that it notices at once who is gone and who is back. */
export const loadOptions = {
  tryTimeout: 4000,
  timeout: 20_000,
  connections: workers,
  breaker: { failures: 1, pause: 100, longest: 500 },
} as const satisfies Partial<KmipClientOptions>;

/** Two servers that hold the same keys. */
export interface Pair {
  kill(which: 0 | 1): Promise<void>;
  start(which: 0 | 1): Promise<void>;
}

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

/**
 * Makes keys while one server after the other is killed and started again: each acknowledged key is there in the end,
 * with the octets that it had, and nothing else is; no call failed. `KILLS=40` for a long run.
 */
export async function surviveKills(t: TestContext, client: KeyServer, pair: Pair): Promise<void> {
  const kills = Number(process.env.KILLS ?? 4);
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
  const there = await everyKey(client);
  assert.deepEqual(there.toSorted(), told.map(({ id }) => id).toSorted());
  assert.equal(new Set(told.map(({ digest }) => digest)).size, told.length, 'no key was given twice');
  for (const { name, id, digest } of told) assert.equal(await digestOf(client, id), digest, name);
  for (const { name, id } of told.slice(-5)) assert.deepEqual(await client.locate({ name }), [id]);
  t.diagnostic(`${told.length} keys, ${kills} kills`);
}

async function everyKey(client: KeyServer): Promise<string[]> {
  const found: string[] = [];
  for (let page = 1000; page === 1000; ) {
    const attributes = [{ name: 'Object Type', value: 'Symmetric Key' }] as const;
    const ids = await client.locate({ attributes, offsetItems: found.length });
    found.push(...ids);
    page = ids.length;
  }
  return found;
}

async function waitFor(holds: () => boolean): Promise<void> {
  for (const until = Date.now() + 60_000; !holds(); await sleep(20))
    if (Date.now() > until) throw new Error('the load does not go on');
}
