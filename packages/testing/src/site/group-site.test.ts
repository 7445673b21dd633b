import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readToken } from '@vouchsafe/domain/attestation/token';
import { problem } from '@vouchsafe/domain/testing/problem';
import { until } from '../wait.ts';
import { Workdir } from '../workdir.ts';
import type { AuthorityHost } from './authority-host.ts';
import { GroupSite, type SiteAgent } from './group-site.ts';

describe('two Trust Authority hosts serve one host with a TPM', () => {
  let work: Workdir;
  let site: GroupSite;
  let agent: SiteAgent;
  let prv: string;
  let ct: string;
  let [a, b]: AuthorityHost[] = [];
  const one = (host: AuthorityHost | undefined) => host as AuthorityHost;

  before(async () => {
    work = await Workdir.create('group');
    site = await GroupSite.start(work.path, ['ta1', 'ta2']);
    [a, b] = site.hosts;
    const certify = await site.addProvider();
    agent = await site.addAgent();
    // Configured first, joined later: the new member takes all of it over but the key of its client certificate.
    await site.join(one(b));
    await certify(one(b));
    prv = String((await agent.release.providers())[0]?.prv);
    ct = String((await agent.release.release('generate-key', [{ prv }])).answer.items[0]?.ct);
  });
  after(async () => {
    await site?.[Symbol.asyncDispose]();
    await work?.[Symbol.asyncDispose]();
  });

  /** Asks for the key, at another service than the one that is skipped. */
  const open = async (skip?: AuthorityHost) =>
    (await agent.release.release('decrypt', [{ prv, ct }], skip?.url)).answer.items[0]?.problem ?? 'opened';
  const issuer = async () => {
    const { token } = await agent.trust.session();
    return (await readToken(token)).claims.iss;
  };
  const acknowledged = (host: AuthorityHost) =>
    host.call('host', 'GET', '/host/group/acknowledgements') as Promise<{ silent: { name: string }[] }>;
  const row = () => `/attestation/tpm2/endorsement-keys/${agent.ek}`;
  const approveAgain = async (host: AuthorityHost) => {
    await host.call('attestd', 'DELETE', row());
    await host.call('attestd', 'POST', '/attestation/tpm2/endorsement-keys', {
      ek: agent.ek,
      name: 'kvm1',
      scope: 'lab',
    });
  };

  test('a token of one is good at the other, and both open what either made', async () => {
    assert.match(await issuer(), /ta1/);
    assert.deepEqual([await open(a), await open(b)], ['opened', 'opened']);
  });

  test('one that is killed is not noticed', async () => {
    await one(a).kill();
    assert.equal((await agent.trust.attest()).service, one(b).url);
    assert.equal(await open(), 'opened');
    await one(a).start();
    assert.equal((await agent.trust.attest()).service, one(a).url);
  });

  test('what is revoked at one is refused by the other at once, with a token it was given before, and by its attestd too', async () => {
    const { token } = await agent.trust.session();
    await one(a).call('attestd', 'POST', `${row()}/revoke`);
    assert.deepEqual((await acknowledged(one(a))).silent, []);
    assert.equal((await agent.trust.session()).token, token, 'the token itself is young');
    // The agent drops the token that was refused and asks the other attestd, whose own registry still approves it.
    await assert.rejects(open(a), problem('attestation.refused', /revoked/));
    assert.equal((await agent.trust.attest()).session, undefined);
    await approveAgain(one(a));
    assert.deepEqual((await acknowledged(one(a))).silent, []);
    assert.equal(await open(a), 'opened');
  });

  test('an epoch that is raised at one makes tokens of before useless at the other; hosts attest again unasked', async () => {
    const { token } = await agent.trust.session();
    await one(a).call('attestd', 'PATCH', '/attestation/tpm2/settings', { virtual_tpm_scopes: ['lab', 'more'] });
    await one(a).call('attestd', 'PATCH', '/attestation/tpm2/settings', { virtual_tpm_scopes: ['lab'] });
    assert.deepEqual((await acknowledged(one(a))).silent, []);
    assert.equal(await open(a), 'opened');
    const next = (await agent.trust.session()).token;
    const [before, later] = [await readToken(token), await readToken(next)];
    assert.ok(later.claims.epoch > before.claims.epoch);
  });

  test('one that hangs while a host is revoked is named, and refuses when it goes on', async () => {
    assert.equal(await open(a), 'opened');
    const resume = await one(b).pause();
    await one(a).call('attestd', 'POST', `${row()}/revoke`);
    assert.deepEqual(
      (await acknowledged(one(a))).silent.map(({ name }) => name),
      ['ta2'],
    );
    resume();
    await until('the revocation at ta2', 15_000, async () => {
      const outcome = await open(a).catch((error: { kind?: string }) => error.kind);
      return outcome === 'attestation.refused' || undefined;
    });
    assert.deepEqual((await acknowledged(one(a))).silent, []);
    await approveAgain(one(a));
    await acknowledged(one(a));
    assert.equal(await open(a), 'opened');
  });

  test('what was revoked while one was away it denies when it is back, although its own registry approves the host', async () => {
    await one(a).stop();
    await one(b).call('attestd', 'POST', `${row()}/revoke`);
    assert.deepEqual(
      (await acknowledged(one(b))).silent.map(({ name }) => name),
      ['ta1'],
    );
    await one(a).start();
    await until(
      'the revocation at ta1',
      15_000,
      async () => (await acknowledged(one(b))).silent.length === 0 || undefined,
    );
    await one(b).stop();
    const { service, session, findings } = await agent.trust.attest();
    assert.deepEqual([service, session], [one(a).url, undefined]);
    assert.match(JSON.stringify(findings), /revoked/);
  });
});
