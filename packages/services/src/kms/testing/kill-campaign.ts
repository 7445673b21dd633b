import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AuditRecord, verifyChain } from '@vouchsafe/domain/audit/record';
import { type Attribute, attributeValue, nameAttribute } from '@vouchsafe/kmip/attribute';
import { keyOctets, wipeObject } from '@vouchsafe/kmip/managed-object';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { create } from '@vouchsafe/kmip/operations/create';
import { get } from '@vouchsafe/kmip/operations/get';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import { locate } from '@vouchsafe/kmip/operations/locate';
import type { Operation } from '@vouchsafe/kmip/operations/operation';
import { reKey } from '@vouchsafe/kmip/operations/re-key';
import { revoke } from '@vouchsafe/kmip/operations/revoke';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { addKmsClient, type ClientFiles } from '../clients.ts';
import { kmsLayout } from '../layout.ts';
import type { Postgres } from './postgres.ts';
import { type RawClient, rawClient } from './raw-client.ts';

/** What a campaign does. */
export interface Campaign {
  readonly dataDir: string;
  /** Changes that are to be acknowledged. */
  readonly changes: number;
  readonly kills: number;
  readonly seed: number;
  /** Killed in turn with the key server, when the store is there. */
  readonly postgres?: Postgres;
  readonly connections?: number;
}

/** What came of it. */
export interface CampaignResult {
  readonly acknowledged: number;
  /** Changes whose answer was lost: they may have happened or not, but nothing in between. */
  readonly unanswered: number;
  readonly kills: number;
  readonly keys: number;
  /** Of those whose answer was lost, how many had happened. */
  readonly happened: number;
}

type State = 'Pre-Active' | 'Active' | 'Deactivated';

interface Key {
  readonly digest: string;
  /** The states that it may be in: one, unless an answer was lost. */
  states: readonly State[];
}

/** Everything that was acknowledged, and what may have happened besides. */
class Ledger {
  readonly keys = new Map<string, Key>();
  /** Names whose creation was not answered. */
  readonly unanswered = new Set<string>();
  readonly names = new Map<string, string>();
  /** Keys whose replacement was not answered. */
  readonly replaced = new Set<string>();
  acknowledged = 0;
  lost = 0;
}

/** Uniform in 0 to 1, the same for the same seed. */
function random(seed: number): () => number {
  let n = 0;
  return () => createHash('sha256').update(`${seed}/${n++}`).digest().readUInt32BE() / 2 ** 32;
}

/**
 * Clients make and rotate keys, each step after its answer only, while the key server and its database are killed.
 * Afterwards every acknowledged key is there once, with the same octets and in the acknowledged state.
 */
export async function killCampaign(campaign: Campaign): Promise<CampaignResult> {
  const { dataDir, postgres } = campaign;
  const files = await addKmsClient({ dataDir, name: 'campaign', outDir: join(dataDir, 'out') });
  const port = await freePort();
  const ledger = new Ledger();
  const chance = random(campaign.seed);
  const server = new KilledServer(dataDir, port);
  await server.start();
  try {
    const open = () => ledger.acknowledged < campaign.changes;
    const workers = Array.from({ length: campaign.connections ?? 8 }, (_, i) =>
      worker(i, port, files, ledger, chance, open),
    );
    const kills = killer(campaign, ledger, chance, server, open);
    await Promise.all([...workers, kills]);
    // What was killed last is there again; once more, so that everything comes from the disk.
    await server.kill();
    if (postgres !== undefined) {
      await postgres.kill();
      await postgres.start();
    }
    await server.start();
    const happened = await verify(port, files, ledger);
    verifyAudit(dataDir, ledger);
    return {
      acknowledged: ledger.acknowledged,
      unanswered: ledger.lost,
      kills: await kills,
      keys: ledger.keys.size,
      happened,
    };
  } finally {
    await server.kill();
  }
}

/** A key server that is killed and started again on the same data. */
class KilledServer {
  readonly #arguments: string[];
  #child: ChildProcess | undefined;

  constructor(dataDir: string, port: number) {
    this.#arguments = [dataDir, String(port)];
  }

  async start(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const child = fork(join(import.meta.dirname, 'serve-child.ts'), this.#arguments, { silent: true });
      this.#child = child;
      let words = '';
      child.stderr!.on('data', (chunk) => {
        words += chunk;
      });
      const ready = await new Promise<boolean>((resolve) => {
        child.once('message', () => resolve(true));
        child.once('exit', () => resolve(false));
      });
      if (ready) return;
      // Its database may not be back yet.
      if (tries === 20) throw new Error(`the key server does not start again: ${words.slice(-2000)}`);
      await sleep(250);
    }
  }

  async kill(): Promise<void> {
    const child = this.#child!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}

/** Kills whenever so many changes were acknowledged, give or take; says how often. */
async function killer(
  { changes, kills, postgres }: Campaign,
  ledger: Ledger,
  chance: () => number,
  server: KilledServer,
  open: () => boolean,
): Promise<number> {
  let killed = 0;
  for (; killed < kills && open(); killed++) {
    const next = ((killed + chance()) * changes) / kills;
    while (open() && ledger.acknowledged < next) await sleep(1);
    await sleep(chance() * 5);
    if (postgres !== undefined && killed % 2 === 1) {
      await postgres.kill();
      await postgres.start();
    } else {
      await server.kill();
      await server.start();
    }
  }
  return killed;
}

/** The answer was lost, or the server could not say what happened. */
class Unanswered extends Error {}

async function ask<Request, Response>(
  client: RawClient,
  operation: Operation<Request, Response>,
  request: Request,
): Promise<Response> {
  const answer = await client.ask(requestMessage([asking(operation, request)])).catch((cause) => {
    throw new Unanswered('no answer', { cause });
  });
  const [item] = answer.items;
  if (item?.reason === 'General Failure') throw new Unanswered('General Failure');
  if (item?.status !== 'Success') throw new Error(`${operation.name}: ${item?.reason}: ${item?.message}`);
  return item.payload!.as(operation.response);
}

/** One client: it makes a key, activates it, then retires it or replaces it, and begins again. */
async function worker(
  number: number,
  port: number,
  files: ClientFiles,
  ledger: Ledger,
  chance: () => number,
  open: () => boolean,
): Promise<void> {
  for (let n = 0; open(); ) {
    const client = await rawClient(port, files).catch(() => undefined);
    if (client === undefined) {
      await sleep(20);
      continue;
    }
    try {
      while (open()) await life(client, `${number}/${n++}`, ledger, chance);
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
    } finally {
      client.close();
    }
  }
}

const attributes: Attribute[] = [
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 256 },
  { name: 'Cryptographic Usage Mask', value: 12 },
];

async function life(client: RawClient, name: string, ledger: Ledger, chance: () => number): Promise<void> {
  const template = { names: [], attributes: [...attributes, nameAttribute(name)] };
  const made = await step(
    ledger,
    () => ask(client, create, { objectType: 'Symmetric Key', template }),
    () => {
      ledger.unanswered.add(name);
    },
  );
  ledger.names.set(name, made.id);
  await known(client, made.id, ledger, ['Pre-Active']);
  await change(made.id, ledger, 'Active', () => ask(client, activate, { id: made.id }));
  if (chance() < 0.5) {
    const next = await step(
      ledger,
      () => ask(client, reKey, { id: made.id }),
      () => {
        ledger.replaced.add(made.id);
      },
    );
    await known(client, next.id, ledger, ['Pre-Active', 'Active']);
  } else {
    const reason = { code: 'Cessation of Operation' } as const;
    await change(made.id, ledger, 'Deactivated', () => ask(client, revoke, { id: made.id, reason }));
  }
}

/** A change: it counts when it is answered, and is remembered when it is not. */
async function step<T>(ledger: Ledger, act: () => Promise<T>, unanswered: () => void): Promise<T> {
  try {
    const value = await act();
    ledger.acknowledged++;
    return value;
  } catch (error) {
    if (error instanceof Unanswered) {
      ledger.lost++;
      unanswered();
    }
    throw error;
  }
}

function change<T>(id: string, ledger: Ledger, to: State, act: () => Promise<T>): Promise<void> {
  const key = ledger.keys.get(id)!;
  const unanswered = () => {
    key.states = [...key.states, to];
  };
  return step(ledger, act, unanswered).then(() => {
    key.states = [to];
  });
}

/**
 * Notes a key that was acknowledged, before anything more is asked: it must be there even if the server is gone by now.
 * In which state a replacement is, its server decides.
 */
async function known(client: RawClient, id: string, ledger: Ledger, states: readonly State[]): Promise<void> {
  ledger.keys.set(id, { digest: '', states });
  const digest = await digestOf(client, id);
  const state = await stateOf(client, id);
  assert.ok(states.includes(state), `${id}: ${state}`);
  ledger.keys.set(id, { digest, states: [state] });
}

async function stateOf(client: RawClient, id: string): Promise<State> {
  const { attributes } = await ask(client, getAttributes, { id, names: ['State'] });
  return attributeValue(attributes, 'State') as State;
}

async function digestOf(client: RawClient, id: string): Promise<string> {
  const { object } = await ask(client, get, { id });
  const digest = keyOctets(object)!.use((octets) => createHash('sha256').update(octets).digest('hex'));
  wipeObject(object);
  return digest;
}

/** @returns how many changes without answer had happened */
async function verify(port: number, files: ClientFiles, ledger: Ledger): Promise<number> {
  const client = await rawClient(port, files);
  try {
    const digests = new Set<string>();
    for (const [id, { digest, states }] of ledger.keys) {
      const now = await digestOf(client, id);
      if (digest !== '') assert.equal(now, digest, `${id}: another key`);
      assert.ok(!digests.has(now), `${id}: the key of another`);
      digests.add(now);
      const state = await stateOf(client, id);
      assert.ok(states.includes(state), `${id}: ${state}, expected ${states.join(' or ')}`);
    }
    let happened = 0;
    const found = async (name: string) => (await ask(client, locate, { attributes: [nameAttribute(name)] })).ids;
    for (const name of ledger.unanswered) {
      const ids = await found(name);
      assert.ok(ids.length <= 1, `${name}: ${ids.length} keys`);
      for (const id of ids) await digestOf(client, id);
      happened += ids.length;
    }
    for (const name of ledger.names.keys()) assert.equal((await found(name)).length, 1, `${name}: lost or doubled`);
    return happened;
  } finally {
    client.close();
  }
}

/** Every acknowledged key was recorded before it was acknowledged, and the chain is whole. */
function verifyAudit(dataDir: string, ledger: Ledger): void {
  const lines = readFileSync(kmsLayout(dataDir).audit.file, 'utf8').trim().split('\n');
  verifyChain(lines);
  const made = new Set(
    lines
      .map((line) => JSON.parse(line) as AuditRecord)
      .filter(({ action }) => action === 'kms.change')
      .flatMap(({ target }) => target.id.split(' ')),
  );
  for (const id of ledger.keys.keys()) assert.ok(made.has(id), `${id}: no record`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
