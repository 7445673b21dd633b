/**
 * How much of what its parts allow a Trust Authority host keeps: attestations over HTTPS through the proxy, both rounds,
 * against the same two rounds inside one process and two bare requests through the same proxy, together. By turns, in
 * one run; also the latency at half of the rate that was reached. Prints JSON.
 *
 *     node bench/attestd.ts [--seconds 8] [--hosts 200] [--files 0]
 */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { parseArgs } from 'node:util';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { ChallengeAnswer, ChallengeRequest, Evidence, ReportAnswer } from '@vouchsafe/domain/attestation/messages';
import { jsonReader } from '@vouchsafe/domain/parse';
import { testGroup } from '@vouchsafe/domain/testing/group';
import { createAuthority, issue } from '@vouchsafe/domain/x509/authority';
import { AttestationService } from '@vouchsafe/services/attestd/attestation-service';
import { BootHistories } from '@vouchsafe/services/attestd/boot-histories';
import { AttestationConfiguration } from '@vouchsafe/services/attestd/configuration';
import { testMembership } from '@vouchsafe/services/host/testing/membership';
import type { HttpClient } from '@vouchsafe/services/http/client';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { attestOnce, Fleet } from '@vouchsafe/testing/fleet/fleet';
import { fleetImage } from '@vouchsafe/testing/fleet/fleet-boot';
import { FleetHost } from '@vouchsafe/testing/fleet/fleet-host';
import { costOf } from '@vouchsafe/testing/fleet/process-cost';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '8' },
    hosts: { type: 'string', default: '200' },
    files: { type: 'string', default: '0' },
  },
});
const [seconds, count, files] = [Number(values.seconds), Number(values.hosts), Number(values.files)];
const together = 16;

/** Runs `f` over and over, `together` at a time, and gives how often a second. */
async function rate(f: (worker: number, round: number) => Promise<unknown>): Promise<number> {
  let done = 0;
  const end = performance.now() + seconds * 1000;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: together }, async (_, worker) => {
      for (let round = 0; performance.now() < end; round++) {
        await f(worker, round);
        done++;
      }
    }),
  );
  return (done * 1000) / (performance.now() - start);
}

/** The same service in this process: messages are read and written as text, records are not synced. */
async function inProcess(): Promise<(whole: boolean) => Promise<number>> {
  const { group, inRole } = await testGroup();
  const maker = await createAuthority({ name: 'maker', ...validity });
  const noSealer = { seal: () => new Uint8Array(), open: () => undefined as never };
  const store = ConfigStore.open(':memory:', noSealer);
  const configuration = new AttestationConfiguration(store);
  configuration.addAuthority('maker', { certs: [maker.certificatePem], virtual: false });
  configuration.addImage(activeRecord(fleetImage()));
  const signer = await inRole('attestd');
  const service = new AttestationService({
    instance: 'bench',
    group,
    membership: testMembership(),
    configuration,
    signer: () => signer,
    boots: new BootHistories(store),
    audit: () => undefined,
    now: () => Math.floor(Date.now() / 1000),
  });
  const hosts = await Promise.all(
    Array.from({ length: together }, (_, n) =>
      FleetHost.make(n, {
        files,
        group: group.id,
        certify: async (publicKey) =>
          new X509Certificate(
            await issue({ authority: maker, publicKey, subject: 'ek', usages: ['agree'], ...validity }),
          ).raw,
      }),
    ),
  );
  for (const { ek, name } of hosts)
    configuration.putHost({
      ek,
      name,
      scope: 'fleet',
      state: 'approved',
      tpm: 'hardware',
      enrolled: 'approved',
      by: 'bench',
      since: '',
    });
  // The work of the hosts is none of the service's: it is measured by itself and taken off.
  return async (whole) => {
    let hostTime = 0;
    const perSecond = await rate(async (worker) => {
      const host = hosts[worker]!;
      let t = performance.now();
      const request = JSON.stringify(host.request());
      hostTime += performance.now() - t;
      const answer = JSON.stringify(await service.begin(readRequest(request)));
      t = performance.now();
      const challenge = readAnswer(answer);
      const evidence = JSON.stringify({ ...host.evidence(challenge, { whole }), challenge: challenge.challenge });
      hostTime += performance.now() - t;
      const report = await service.report(readEvidence(evidence));
      if (!report.attested) throw new Error(JSON.stringify(report.findings));
      host.held = report.held;
      JSON.stringify(report);
    });
    const total = seconds * 1000;
    return (perSecond * total) / (total - Math.min(hostTime, total * 0.95));
  };
}

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };
const readRequest = jsonReader('challenge request', ChallengeRequest);
const readAnswer = jsonReader('challenge answer', ChallengeAnswer);
const readEvidence = jsonReader('evidence', Evidence);
void [createPublicKey, ReportAnswer];

/** Latencies in milliseconds at a given rate, whatever the service does. */
async function latencies(perSecond: number, clients: readonly HttpClient[], fleet: Fleet, whole: boolean) {
  const taken: number[] = [];
  const running: Promise<void>[] = [];
  const start = performance.now();
  for (let i = 0; i < perSecond * seconds; i++) {
    const due = start + (i * 1000) / perSecond;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    const host = fleet.hosts[i % fleet.hosts.length]!;
    running.push(
      attestOnce(clients[i % clients.length]!, host, { whole }).then(() => void taken.push(performance.now() - due)),
    );
  }
  await Promise.all(running);
  taken.sort((a, b) => a - b);
  const at = (part: number) => Math.round(taken[Math.floor(taken.length * part)]! * 10) / 10;
  return { p50: at(0.5), p99: at(0.99) };
}

await using fleet = await Fleet.start('127.0.0.1:7443');
await fleet.add(count, { files });
const clients = Array.from({ length: together }, () => fleet.connect());
const [attestd, proxy] = [await fleet.pid('attestd'), await fleet.pid('proxy')];
const alone = await inProcess();
const bare = async (worker: number) => {
  await clients[worker]!.call('GET', '/attestation/healthz');
  await clients[worker]!.call('GET', '/attestation/healthz');
};
const over = (whole: boolean) => (worker: number, round: number) => {
  const host = fleet.hosts[(worker + round * together) % fleet.hosts.length]!;
  return attestOnce(clients[worker]!, host, { whole });
};
for (const host of fleet.hosts) await attestOnce(clients[0]!, host);
const round1 = (n: number) => Math.round(n * 10) / 10;
const results: Record<string, unknown>[] = [];
for (const whole of [true, false]) {
  const inside = await alone(whole);
  const pairs = await rate(bare);
  const before = { attestd: costOf(attestd).cpu, proxy: costOf(proxy).cpu };
  const reached = await rate(over(whole));
  const done = reached * seconds;
  const cpu = {
    attestd_ms: round1((1000 * (costOf(attestd).cpu - before.attestd)) / done),
    proxy_ms: round1((1000 * (costOf(proxy).cpu - before.proxy)) / done),
  };
  const allowed = 1 / (1 / inside + 1 / pairs);
  results.push({
    evidence: whole ? 'whole' : 'by reference',
    inProcess: Math.round(inside),
    barePairs: Math.round(pairs),
    allowed: Math.round(allowed),
    reached: Math.round(reached),
    ratio: Math.round((100 * reached) / allowed) / 100,
    cpu,
    atHalfLoad: await latencies(reached / 2, clients, fleet, whole),
  });
}
for (const client of clients) await client.close();
process.stdout.write(`${JSON.stringify({ hosts: count, files, results }, undefined, 2)}\n`);
