import assert from 'node:assert/strict';
import { type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyChain } from '@vouchsafe/domain/audit/record';
import { Problem } from '@vouchsafe/domain/problem';
import { must } from '../command.ts';
import { until } from '../wait.ts';
import { Workdir } from '../workdir.ts';
import type { AuthorityHost } from './authority-host.ts';
import { GroupSite, type SiteAgent } from './group-site.ts';
import { vouchsafe } from './program.ts';

interface Rotation {
  readonly phase: string;
  readonly members: { name: string; problem?: string }[];
}
interface Parts {
  readonly parts: { part: string; pid?: number; ready: boolean }[];
}

describe('a key provider of two Trust Authority hosts', () => {
  let work: Workdir;
  let site: GroupSite;
  let agent: SiteAgent;
  let prv: string;
  let [a, b]: AuthorityHost[] = [];
  const one = (host: AuthorityHost | undefined) => host as AuthorityHost;
  /** All ciphertexts that a service ever answered with. */
  const made: string[] = [];

  before(async () => {
    work = await Workdir.create('provider');
    site = await GroupSite.start(work.path, ['ta1', 'ta2']);
    [a, b] = site.hosts;
    const certify = await site.addProvider();
    agent = await site.addAgent();
    await site.join(one(b));
    await certify(one(b));
    prv = String((await agent.release.providers())[0]?.prv);
  });
  after(async () => {
    await site?.[Symbol.asyncDispose]();
    await work?.[Symbol.asyncDispose]();
  });

  /** Makes a KEK at another service than the one that is skipped. @returns the problem when none is made */
  async function make(skip?: AuthorityHost): Promise<string | undefined> {
    const { answer } = await agent.release.release('generate-key', [{ prv }], skip?.url);
    const [item] = answer.items;
    if (item?.ct !== undefined) made.push(item.ct);
    return item?.problem;
  }
  async function open(cts: readonly string[], skip?: AuthorityHost): Promise<(string | undefined)[]> {
    const { answer } = await agent.release.release(
      'decrypt',
      cts.map((ct) => ({ prv, ct })),
      skip?.url,
    );
    return answer.items.map(({ problem }) => problem);
  }
  /** That every KEK that was ever given out opens at both hosts. */
  async function allOpen(): Promise<void> {
    for (const skip of [a, b])
      for (let at = 0; at < made.length; at += 100) {
        const problems = await open(made.slice(at, at + 100), skip);
        assert.deepEqual(new Set(problems), new Set([undefined]));
      }
  }
  const provider = (host: AuthorityHost, method: 'GET' | 'POST' | 'PATCH', path = '', body?: unknown) =>
    host.call('kmxd', method, `/kms/providers/demo${path}`, body);
  const rotate = async (host: AuthorityHost, uid: string) =>
    ((await provider(host, 'PATCH', '', { master_key_id: uid })) as { rotation: Rotation }).rotation;
  const rotation = async (host: AuthorityHost) => (await provider(host, 'GET', '/rotation')) as Rotation;
  const silent = async (host: AuthorityHost) =>
    ((await host.call('host', 'GET', '/host/group/acknowledgements')) as { silent: { name: string }[] }).silent;

  test('what one makes under the new primary key the other opens at once, and what was made before opens for good', async () => {
    await make(a);
    await make(b);
    const { phase, members } = await rotate(one(a), await site.newPrimaryKey());
    assert.deepEqual([phase, members], ['done', [{ name: 'ta2' }]]);
    await make(a);
    await make(b);
    await allOpen();
  });

  test('a member that is away holds a rotation up, and is named; when it is back the rotation goes on by itself', async () => {
    await one(b).stop();
    const waiting = await rotate(one(a), await site.newPrimaryKey());
    assert.deepEqual([waiting.phase, waiting.members.map(({ name }) => name)], ['prepare', ['ta2']]);
    await make();
    await one(b).start();
    await until('the rotation', 30_000, async () => (await rotation(one(a))).phase === 'done' || undefined);
    await make(a);
    await make(b);
    await allOpen();
  });

  test('a provider that is revoked at one member releases nothing at the other, as soon as that has acknowledged', async () => {
    const [ct = ''] = made;
    await provider(one(a), 'POST', '/revoke');
    assert.deepEqual(await silent(one(a)), [], 'within five seconds');
    for (const skip of [a, b]) assert.deepEqual(await open([ct], skip), ['release.refused']);
    await provider(one(b), 'POST', '/restore');
    assert.deepEqual(await silent(one(b)), []);
    for (const skip of [a, b]) assert.deepEqual(await open([ct], skip), [undefined]);
  });

  test('a member that hangs while a provider is revoked is named, and refuses when it goes on', async () => {
    const [ct = ''] = made;
    const resume = await one(b).pause();
    await provider(one(a), 'POST', '/revoke');
    assert.deepEqual(
      (await silent(one(a))).map(({ name }) => name),
      ['ta2'],
    );
    resume();
    await until('the revocation at ta2', 15_000, async () => {
      const outcome = await open([ct], a).catch(() => []);
      return outcome[0] === 'release.refused' || undefined;
    });
    await provider(one(a), 'POST', '/restore');
    assert.deepEqual(await silent(one(a)), []);
  });

  test('an attested host gets a migration certificate of either member, under one CA of the group', async () => {
    const first = await agent.release.migrationCertificate();
    await one(a).stop();
    const second = await agent.release.migrationCertificate();
    await one(a).start();
    const [one_, other] = [first, second].map(({ certificate, ca }) =>
      [certificate, ca].map((pem) => new X509Certificate(pem)),
    );
    const [leaf, ca] = one_ as [X509Certificate, X509Certificate];
    assert.ok(leaf.verify(ca.publicKey) && ca.verify(new X509Certificate(await one(b).groupCa()).publicKey));
    assert.equal(leaf.subjectAltName, 'DNS:kvm1');
    assert.ok(ca.publicKey.equals((other as X509Certificate[])[1]?.publicKey as KeyObject));
  });

  test('what an operator does: status, settings, trust, requests, limits', async () => {
    const run = async (...args: string[]) => await must(vouchsafe('provider', ...args, '--run', one(a).run));
    assert.match(await run('status', 'demo'), /health: +(OK|WARNING)[\s\S]*embedded OK[\s\S]*is obeyed within 5 s/);
    assert.match(await run('set', 'demo', 'share=own', 'key_ttl=600'), /share: +own/);
    assert.match(await run('trust', 'demo'), /embedded +yes +[0-9a-f]{64}/);
    assert.match(await run('client-cert', 'csr', 'demo'), /BEGIN CERTIFICATE REQUEST/);
    assert.match(await run('limits', 'on_excess=record'), /on excess: +record/);
    assert.match(await run('rotation', 'demo'), /current/);
  });

  test('kmxd killed again and again in the middle of rotations: no key that was given out is lost', async () => {
    let stop = false;
    const asking = (async () => {
      while (!stop) await make().catch((error: unknown) => assert.ok(error instanceof Problem));
    })();
    for (const delay of [0, 25, 90]) {
      const uid = await site.newPrimaryKey();
      const done = rotate(one(a), uid).catch((error: unknown) => error);
      await sleep(delay);
      const { parts } = (await one(a).call('host', 'GET', '/host/status')) as Parts;
      const pid = parts.find(({ part }) => part === 'kmxd')?.pid;
      assert.ok(pid !== undefined);
      process.kill(pid, 'SIGKILL');
      await done;
      await until('kmxd', 30_000, async () => {
        const again = (await one(a).call('host', 'GET', '/host/status')) as Parts;
        return again.parts.every(({ part, pid: now, ready }) => ready && (part !== 'kmxd' || now !== pid)) || undefined;
      });
      assert.equal((await rotate(one(a), uid)).phase, 'done', 'asked again, it goes on where it was');
    }
    stop = true;
    await asking;
    await allOpen();
    assert.ok(made.length > 5, `${made.length} keys were made meanwhile`);
    for (const name of ['ta1', 'ta2']) {
      const text = await readFile(`${work.path}/${name}/state/audit/kmxd.jsonl`, 'utf8');
      assert.ok(verifyChain(text.trimEnd().split('\n')).seq > 0, 'and no record');
    }
  });
});
