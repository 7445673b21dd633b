/**
 * What a fleet costs that attests by itself: hosts with a TPM of their own and a TLS connection for each attestation, at
 * the rate at which so many hosts come every ten minutes, by reference as agents do. The same rate with fewer hosts shows
 * whether the cost of a host depends on how many there are. Prints JSON.
 *
 *     node bench/fleet.ts [--hosts 10000] [--seconds 120]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { attestOnce, Fleet } from '@vouchsafe/testing/fleet/fleet';
import type { FleetHost } from '@vouchsafe/testing/fleet/fleet-host';
import { costOf } from '@vouchsafe/testing/fleet/process-cost';

const { values } = parseArgs({
  options: { hosts: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '120' } },
});
const [count, seconds] = [Number(values.hosts), Number(values.seconds)];
const interval = 600;
const perSecond = count / interval;

await using fleet = await Fleet.start('127.0.0.1:7443');
const pids = { attestd: await fleet.pid('attestd'), proxy: await fleet.pid('proxy') };

async function attestAlone(host: FleetHost): Promise<void> {
  const client = fleet.connect();
  try {
    await attestOnce(client, host);
  } finally {
    await client.close();
  }
}

/** Lets all hosts attest once; the first time with their logs. */
async function attestAll(hosts: readonly FleetHost[]): Promise<void> {
  const rest = hosts.values();
  const clients = Array.from({ length: 16 }, () => fleet.connect());
  await Promise.all(
    clients.map(async (client) => {
      for (const host of rest) await attestOnce(client, host);
      await client.close();
    }),
  );
}

const round2 = (n: number) => Math.round(n * 100) / 100;
const phases: Record<string, unknown>[] = [];
for (const size of [100, 1000, 10_000].filter((each) => each <= count)) {
  const before = fleet.hosts.length;
  await fleet.add(size - before);
  await attestAll(fleet.hosts.slice(before));
  // A service runs for weeks: what is measured is code that has run some thousand times before.
  for (let i = 0; size === 100 && i < 30; i++) await attestAll(fleet.hosts);
  await steady(5);
  phases.push({ hosts: size, ...(await steady(seconds)) });
}

/** Attestations at the steady rate, each host in its turn. */
async function steady(forSeconds: number) {
  const start = performance.now();
  const cost = { attestd: costOf(pids.attestd).cpu, proxy: costOf(pids.proxy).cpu };
  const taken: number[] = [];
  const running: Promise<void>[] = [];
  for (let i = 0; i < perSecond * forSeconds; i++) {
    const due = start + (i * 1000) / perSecond;
    await sleep(Math.max(0, due - performance.now()));
    const began = performance.now();
    running.push(
      attestAlone(fleet.hosts[i % fleet.hosts.length]!).then(() => void taken.push(performance.now() - began)),
    );
  }
  await Promise.all(running);
  const elapsed = (performance.now() - start) / 1000;
  const spent = (part: 'attestd' | 'proxy') => costOf(pids[part]).cpu - cost[part];
  taken.sort((a, b) => a - b);
  return {
    perSecond: round2(taken.length / elapsed),
    attestd: {
      percentOfOneCore: round2((100 * spent('attestd')) / elapsed),
      ms: round2((1000 * spent('attestd')) / taken.length),
    },
    proxy: {
      percentOfOneCore: round2((100 * spent('proxy')) / elapsed),
      ms: round2((1000 * spent('proxy')) / taken.length),
    },
    p99ms: Math.round(taken[Math.floor(taken.length * 0.99)] ?? 0),
    megabytes: Math.round(costOf(pids.attestd).rss / 1e6),
    peakMegabytes: Math.round(costOf(pids.attestd).peak / 1e6),
  };
}

process.stdout.write(`${JSON.stringify({ everySeconds: interval, phases }, undefined, 2)}\n`);
