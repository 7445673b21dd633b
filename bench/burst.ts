/**
 * How long it takes until a whole site is attested that comes back at once: hosts with a TPM of their own, whole evidence,
 * a TLS connection each, all beginning within the few seconds over which agents spread their start. They do what an agent
 * does when it is sent away. Clients and services share the machine. Prints JSON.
 *
 *     node bench/burst.ts [--hosts 5000] [--files 0]
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { kindOf } from '@vouchsafe/domain/problem';
import { spreadAtStart, waitAfter } from '@vouchsafe/services/kmxa/attestation-schedule';
import { retryAfterOf } from '@vouchsafe/services/kmxa/retry-after';
import { attestOnce, Fleet } from '@vouchsafe/testing/fleet/fleet';
import type { FleetHost } from '@vouchsafe/testing/fleet/fleet-host';
import { costOf } from '@vouchsafe/testing/fleet/process-cost';

const { values } = parseArgs({
  options: { hosts: { type: 'string', default: '5000' }, files: { type: 'string', default: '0' } },
});
const [count, files] = [Number(values.hosts), Number(values.files)];

await using fleet = await Fleet.start('127.0.0.1:7443');
await fleet.add(count, { files });
const pids = { attestd: await fleet.pid('attestd'), proxy: await fleet.pid('proxy') };
const before = { attestd: costOf(pids.attestd).cpu, proxy: costOf(pids.proxy).cpu, clients: process.cpuUsage() };

const start = performance.now();
const done: number[] = [];
const sentAway: Record<string, number> = {};
const refused: string[] = [];

/** What the agent of a host does until it is attested. */
async function comeBack(host: FleetHost): Promise<void> {
  await sleep(Math.random() * spreadAtStart * 1000);
  for (let failures = 0; ; ) {
    const client = fleet.connect();
    try {
      await attestOnce(client, host);
      done.push(performance.now() - start);
      return;
    } catch (error) {
      const kind = kindOf(error);
      sentAway[kind] = (sentAway[kind] ?? 0) + 1;
      if (kind === 'internal') {
        refused.push((error as Error).message);
        return;
      }
      const retryAfter = retryAfterOf(error);
      const outcome =
        retryAfter === undefined
          ? ({ kind: 'failed', times: ++failures } as const)
          : ({ kind: 'busy', retryAfter } as const);
      await sleep(waitAfter(outcome, Math.random()) * 1000);
    } finally {
      await client.close();
    }
  }
}

await Promise.all(fleet.hosts.map(comeBack));
done.sort((a, b) => a - b);
const seconds = (ms: number | undefined) => Math.round((ms ?? 0) / 100) / 10;
const cpu = process.cpuUsage(before.clients);
process.stdout.write(
  `${JSON.stringify(
    {
      hosts: count,
      files,
      attested: done.length,
      refused: refused.length,
      firstRefusal: refused[0],
      sentAway,
      secondsToHalf: seconds(done[Math.floor(done.length / 2)]),
      secondsToAll: seconds(done.at(-1)),
      cpuSeconds: {
        attestd: Math.round(costOf(pids.attestd).cpu - before.attestd),
        proxy: Math.round(costOf(pids.proxy).cpu - before.proxy),
        clients: Math.round((cpu.user + cpu.system) / 1e6),
      },
      peakMegabytes: {
        attestd: Math.round(costOf(pids.attestd).peak / 1e6),
        proxy: Math.round(costOf(pids.proxy).peak / 1e6),
      },
    },
    undefined,
    2,
  )}\n`,
);
