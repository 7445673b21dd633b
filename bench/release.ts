/**
 * How much of what its parts allow a Key Provider Service keeps: releases over HTTPS through the proxy with proof, rules
 * and synced records, against the same primitives inside one process and a bare request through the same proxy,
 * together. By turns, in one run: one key a request, and a hundred. Then the keys of a thousand VMs for twenty hosts
 * that ask at once. Prints JSON.
 *
 *     node bench/release.ts [--seconds 4] [--hosts 20]
 */
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { signToken, verifyToken } from '@vouchsafe/domain/attestation/token';
import { groupOf } from '@vouchsafe/domain/group/group';
import { makeProof, nonceIsFresh, proofHash, sealNonce, verifyProof } from '@vouchsafe/domain/keys/dpop';
import { jwkOf } from '@vouchsafe/domain/keys/jwk';
import { openKek, wrapKek } from '@vouchsafe/domain/keys/kek';
import { type ReleaseAnswer, readReleaseAnswer, readReleaseRequest } from '@vouchsafe/domain/keys/release';
import { sealKeyTo } from '@vouchsafe/domain/keys/sealed-key';
import { signAnswer, verifyAnswer } from '@vouchsafe/domain/keys/signed-answer';
import { Problem } from '@vouchsafe/domain/problem';
import { newSession, sampleClaims, testGroup, testTime } from '@vouchsafe/domain/testing/group';
import type { HttpClient } from '@vouchsafe/services/http/client';
import { attestOnce, Fleet } from '@vouchsafe/testing/fleet/fleet';
import type { FleetHost } from '@vouchsafe/testing/fleet/fleet-host';
import { costOf } from '@vouchsafe/testing/fleet/process-cost';
import { startKeyServer } from '@vouchsafe/testing/site/key-server';
import { Workdir } from '@vouchsafe/testing/workdir';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, hosts: { type: 'string', default: '20' } },
});
const [seconds, count] = [Number(values.seconds), Number(values.hosts)];
const together = 16;
const vms = 1000;

/** Runs `f` over and over, `together` at a time, and gives how often a second. */
async function rate(f: (worker: number) => Promise<unknown>): Promise<number> {
  let done = 0;
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(
    Array.from({ length: together }, async (_, worker) => {
      while (performance.now() < end) {
        await f(worker);
        done++;
      }
    }),
  );
  return (done * 1000) / (performance.now() - start);
}

/** An agent that holds a token, and the nonce of the service's last answer. */
interface Asker {
  readonly host: FleetHost;
  readonly token: string;
  readonly client: HttpClient;
  nonce: string;
}

await using work = await Workdir.create('release');
await using fleet = await Fleet.start('127.0.0.1:7443');
await using server = await startKeyServer(work.path);
const [hostname = '', port] = server.address.split(':');
const { id: prv } = (await fleet.authority.call('kmxd', 'POST', '/kms/providers', {
  name: 'demo',
  master_key_id: server.primaryKeyId,
  servers: [{ name: 'k', address: { hostname, port: Number(port) } }],
  accept_unmeasured_userspace: true,
})) as { id: string };
const path = '/kms/providers/demo';
await fleet.authority.call('kmxd', 'PUT', `${path}/server-certificates`, { certificates: [server.ca] });
const pair = { certificate: server.certificate, private_key: server.key };
await fleet.authority.call('kmxd', 'PUT', `${path}/client-certificate`, pair);
const generous = { keys_at_once: 1_000_000, keys_per_second: 100_000, different_keys: 50_000 };
await fleet.authority.call('kmxd', 'PATCH', '/kms/limits', generous);
await fleet.add(count);
const group = groupOf(fleet.caPem);
const now = () => Math.floor(Date.now() / 1000);

async function asker(host: FleetHost): Promise<Asker> {
  const client = fleet.connect();
  const { token = '' } = await attestOnce(client, host);
  return { host, token, client, nonce: 'none' };
}

/** One request, its proof and the check of its answer, as an agent does it. */
async function ask(of: Asker, op: 'generate-key' | 'decrypt', items: readonly object[]): Promise<ReleaseAnswer> {
  const body = JSON.stringify({ items });
  const { token, host } = of;
  const url = `${fleet.authority.url}/kms/${op}`;
  for (;;) {
    const jti = randomUUID();
    const proof = await makeProof({ ...host.signing, token, url, body, nonce: of.nonce, jti, now: now() });
    const headers = { authorization: `DPoP ${token}`, dpop: proof };
    try {
      const { body: answer } = await of.client.call('POST', `/kms/${op}`, body, headers);
      const jws = String((answer as { answer: string }).answer);
      const expected = { op, aud: `ek:${host.ek}`, req: proofHash(proof) };
      return await verifyAnswer(jws, group, readReleaseAnswer, expected, now());
    } catch (error) {
      if (!(error instanceof Problem) || error.kind !== 'proof.nonce') throw error;
      of.nonce = String(error.data.nonce);
    }
  }
}

const askers: Asker[] = [];
for (const host of fleet.hosts) askers.push(await asker(host));
const askerOf = (worker: number): Asker => askers[worker % askers.length] as Asker;
const mine = async (of: Asker, n: number): Promise<string[]> => {
  const { items } = await ask(of, 'generate-key', Array(n).fill({ prv }));
  return items.map(({ ct, problem }) => ct ?? `${problem}`);
};
const keys = await Promise.all(askers.map((each) => mine(each, 100)));

/** The same primitives in this process: token, proof, nonce, keys, record, signature; and the next proof's nonce. */
async function primitives(n: number): Promise<number> {
  const test = await testGroup();
  const [attestd, kmxd] = [await test.inRole('attestd'), await test.inRole('kmxd')];
  const session = newSession();
  const claims = sampleClaims(test.group, session);
  const token = await signToken(attestd.key, attestd.certificate, claims);
  const [primary, nonceKey] = [createSecretKey(randomBytes(32)), createSecretKey(randomBytes(32))];
  const ct = await wrapKek(primary, { prv, kid: 'one', scp: 's', iat: testTime }, new Uint8Array(32));
  const raw = JSON.stringify({ items: Array(n).fill({ prv, ct }) });
  const url = 'https://bench/kms/decrypt';
  const nonce = await sealNonce(nonceKey, testTime);
  const proofs = await Promise.all(
    Array.from({ length: together }, () =>
      makeProof({ ...session.signing, token, url, body: raw, nonce, jti: randomUUID(), now: testTime }),
    ),
  );
  const file = join(tmpdir(), `bench-release-${process.pid}`);
  const record = openSync(file, 'w');
  const line = Buffer.alloc(700, 0x20);
  const recipient = jwkOf(session.encryption.publicKey);
  try {
    return await rate(async (worker) => {
      const proof = proofs[worker] as string;
      await verifyToken(token, test.group, testTime);
      const fresh = (each: string) => nonceIsFresh(nonceKey, each, testTime);
      await verifyProof(proof, { jkt: claims.cnf.jkt, token, url, body: raw, nonceIsFresh: fresh, enter: () => true });
      const items = [];
      for (const item of readReleaseRequest(raw).items)
        items.push({ ...item, key: await openKek(primary, item.ct ?? '', (kek) => sealKeyTo(recipient, kek)) });
      for (let i = 0; i < n; i++) writeSync(record, line);
      fdatasyncSync(record);
      const frame = { aud: claims.sub, req: proofHash(proof), iat: testTime };
      await signAnswer(kmxd.key, kmxd.certificate, { op: 'decrypt', ...frame, ...{ items } });
      await sealNonce(nonceKey, testTime);
    });
  } finally {
    closeSync(record);
    rmSync(file);
  }
}

const round = (value: number): number => Math.round(value * 100) / 100;
const kmxd = await fleet.pid('kmxd');
const results: Record<string, unknown>[] = [];
for (const n of [1, 100]) {
  const inside = await primitives(n);
  const bare = await rate((worker) => askerOf(worker).client.call('GET', '/kms/healthz'));
  const before = costOf(kmxd).cpu;
  let items = 0;
  const reached = await rate(async (worker) => {
    const cts = keys[worker % keys.length] as string[];
    const answer = await ask(
      askerOf(worker),
      'decrypt',
      cts.slice(0, n).map((ct) => ({ prv, ct })),
    );
    items += answer.items.filter(({ key }) => key !== undefined).length;
  });
  const allowed = 1 / (1 / inside + 1 / bare);
  results.push({
    items: n,
    primitives: round(inside),
    bareRequests: round(bare),
    allowed: round(allowed),
    requestsPerSecond: round(reached),
    keysPerSecond: round(reached * n),
    ratio: round(reached / allowed),
    released: items,
    kmxd_ms_per_request: round((1000 * (costOf(kmxd).cpu - before)) / (reached * seconds)),
  });
}

/** All VMs of a site at once: each host asks for all keys of its own VMs in one request. */
const each = Math.ceil(vms / askers.length);
const perHost = await Promise.all(askers.map((of) => mine(of, Math.min(100, each))));
const start = performance.now();
const opened = await Promise.all(
  askers.map(
    async (of, i) =>
      (
        await ask(
          of,
          'decrypt',
          (perHost[i] ?? []).map((ct) => ({ prv, ct })),
        )
      ).items,
  ),
);
const storm = {
  hosts: askers.length,
  vms: opened.flat().filter(({ key }) => key !== undefined).length,
  seconds: round((performance.now() - start) / 1000),
};
for (const { client } of askers) await client.close();
process.stdout.write(`${JSON.stringify({ results, storm }, undefined, 2)}\n`);
