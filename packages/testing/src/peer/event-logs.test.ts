import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { isDeepStrictEqual, promisify } from 'node:util';
import { hex } from '@vouchsafe/bytes/hex';
import { seeded } from '@vouchsafe/bytes/hostile';
import type { Bank } from '@vouchsafe/eventlog/algorithms';
import { eventTypes } from '@vouchsafe/eventlog/event-types';
import { decodeLog, type EventLog } from '@vouchsafe/eventlog/log';
import { isExtended, replay } from '@vouchsafe/eventlog/replay';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog, buildSha1Log, type EventInput, startupLocality } from '@vouchsafe/eventlog/testing/build';
import { corpusBytes, corpusPath, withCorpus } from '@vouchsafe/eventlog/testing/corpus';
import { withoutTools } from '@vouchsafe/tpm2/testing/swtpm';
import { loadBoot, recordedBoots } from '../measured-boot/recorded-boot.ts';
import { Workdir } from '../workdir.ts';

const run = promisify(execFile);
type Pcrs = Record<string, Record<string, string>>;

/** PCRs of tpm2_eventlog's YAML: `pcrs:`, a bank, then `index : 0xhex`. */
async function theirs(work: Workdir, log: Uint8Array): Promise<Pcrs | undefined> {
  await writeFile(work.file('log'), log);
  try {
    const { stdout } = await run('tpm2_eventlog', [work.file('log')], {
      maxBuffer: 64 * 1024 * 1024,
      encoding: 'latin1',
    });
    return pcrsOf(stdout);
  } catch {
    return undefined;
  }
}

function pcrsOf(text: string): Pcrs {
  const banks: Pcrs = {};
  let bank = '';
  for (const line of text.slice(text.lastIndexOf('\npcrs:\n')).split('\n')) {
    const name = /^ {2}(\w+):$/.exec(line)?.[1];
    const [, pcr, value] = /^ {4}(\d+) *: 0x([0-9a-f]+)$/.exec(line) ?? [];
    if (name !== undefined) {
      bank = name;
      banks[bank] = {};
    }
    const values = banks[bank];
    if (values !== undefined && pcr !== undefined && value !== undefined) values[pcr] = value;
  }
  return banks;
}

/**
 * A log as tpm2_eventlog 5.4 reads it: it extends EV_NO_ACTION events as well, digests of zeros, and so begins PCR 0 with
 * zeros, against the Firmware Profile (10.4.1, 10.4.5.3). Mended in 5.6 (tpm2-tools, pull request 3242).
 */
const asTheyRead = (log: EventLog): EventLog => ({
  ...log,
  events: log.events.map((event) =>
    event.index === 0 || isExtended(event) ? event : { ...event, type: eventTypes.EV_ACTION.value },
  ),
});

const replayed = (log: EventLog): Pcrs =>
  Object.fromEntries(
    log.banks.map((bank) => [
      bank,
      Object.fromEntries([...replay(log, bank)].map(([pcr, value]) => [String(pcr), hex(value)])),
    ]),
  );

function ours(bytes: Uint8Array): { right: Pcrs; asTheyRead: Pcrs } | undefined {
  try {
    const log = decodeLog(bytes);
    return { right: replayed(log), asTheyRead: replayed(asTheyRead(log)) };
  } catch {
    return undefined;
  }
}

/** A log without any extended event is none for tpm2_eventlog; ours reads it, and it gives no PCR. */
const accountsForSomething = (pcrs: Pcrs): boolean => Object.values(pcrs).some((bank) => Object.keys(bank).length > 0);

/** Compares what both read, and says where only one of them reads a log. */
async function compare(logs: Iterable<readonly [string, Uint8Array]>): Promise<{ same: number; onlyOne: string[] }> {
  await using work = await Workdir.create('peer-logs');
  let same = 0;
  const onlyOne: string[] = [];
  for (const [name, bytes] of logs) {
    const [our, their] = [ours(bytes), await theirs(work, bytes)];
    if (our !== undefined && their !== undefined) {
      if (!isDeepStrictEqual(our.right, their)) assert.deepEqual(our.asTheyRead, their, name);
      same++;
    } else if (their !== undefined || (our !== undefined && accountsForSomething(our.right)))
      onlyOne.push(`${name}: read by ${our === undefined ? 'them' : 'us'}`);
  }
  return { same, onlyOne };
}

const bankSets: readonly (readonly Bank[])[] = [
  ['sha1'],
  ['sha256'],
  ['sha1', 'sha256'],
  ['sha256', 'sha384'],
  ['sha1', 'sha256', 'sha384', 'sha512'],
];

/** Logs that no firmware wrote: events of a whole boot drawn at random, in all banks, at all localities. */
function* randomLogs(count: number): Generator<[string, Uint8Array]> {
  const random = seeded(20261122);
  const below = (n: number) => Math.floor(random() * n);
  for (let i = 0; i < count; i++) {
    const events: EventInput[] = Array.from({ length: 1 + below(40) }, () => boot[below(boot.length)]!);
    const banks = bankSets[below(bankSets.length)] ?? ['sha256'];
    const locality = [0, 3, 4][below(4)];
    const start: EventInput[] =
      locality === undefined ? [] : [{ pcr: 0, type: 'EV_NO_ACTION', data: startupLocality(locality) }];
    const agile = below(8) > 0;
    yield [`random log ${i}`, agile ? buildLog([...start, ...events], banks) : buildSha1Log(events)];
  }
}

test('tpm2_eventlog and our replay give the same PCRs for logs drawn at random', { skip: withoutTools }, async () => {
  const { same, onlyOne } = await compare(randomLogs(120));
  assert.deepEqual(onlyOne, []);
  assert.equal(same, 120);
});

test('tpm2_eventlog and our replay give the same PCRs for recorded boots', { skip: withoutTools }, async () => {
  const boots = await Promise.all(recordedBoots.map(async (name) => [name, (await loadBoot(name)).eventLog] as const));
  assert.deepEqual(await compare(boots), { same: boots.length, onlyOne: [] });
});

test('tpm2_eventlog and our replay give the same PCRs for logs of real machines', {
  skip: withoutTools || withCorpus.skip,
}, async () => {
  const machines = readdirSync(corpusPath('eventlogs'))
    .filter((name) => name.endsWith('.bin'))
    .map((name) => [name, corpusBytes('eventlogs', name)] as const);
  const boots = readdirSync(corpusPath('measured-boot')).map(
    (name) => [name, corpusBytes('measured-boot', name, 'binary_bios_measurements')] as const,
  );
  const { same, onlyOne } = await compare([...machines, ...boots]);
  assert.deepEqual(onlyOne, []);
  assert.ok(same > 0);
});
