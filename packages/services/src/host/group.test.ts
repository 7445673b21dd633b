import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { verifyChain } from '@vouchsafe/domain/audit/record';
import type { InviteFile } from '@vouchsafe/domain/group/invite';
import { inviteSecret } from '@vouchsafe/domain/group/invite';
import { joinMessage, joinRequest } from '@vouchsafe/domain/group/join';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { problem } from '@vouchsafe/domain/testing/problem';
import { pathsOf } from '../config/paths.ts';
import { HttpClient } from '../http/client.ts';
import type { Acknowledgements } from './operations/acknowledgements.ts';
import { TestAuthority } from './testing/authority.ts';

process.env.VOUCHSAFE_LOG_LEVEL = 'silent';

const ek = 'ab'.repeat(32);
const sub = `ek:${ek}`;

interface Status {
  readonly health: string;
  readonly details: { severity: string; message: string }[];
  readonly epoch: number;
  readonly denied: { sub: string }[];
  readonly members: { name: string; obeys: boolean }[];
}
const statusOf = (host: TestAuthority) => host.call('host', 'GET', '/host/group/status') as Promise<Status>;
const membersOf = async (host: TestAuthority) =>
  ((await host.call('host', 'GET', '/host/members')) as { name: string; state: string }[]).map(
    ({ name, state }) => `${name} ${state}`,
  );
const acknowledged = (host: TestAuthority) =>
  host.call('host', 'GET', '/host/group/acknowledgements') as Promise<Acknowledgements>;
const inviteOf = (host: TestAuthority, body: object = {}) =>
  host.call('host', 'POST', '/host/invites', body) as Promise<InviteFile>;
const approve = (host: TestAuthority, name: string) =>
  host.call('attestd', 'POST', '/attestation/tpm2/endorsement-keys', { ek, name });
const drop = (host: TestAuthority) => host.call('attestd', 'DELETE', `/attestation/tpm2/endorsement-keys/${ek}`);

describe('a group of three Trust Authority hosts', () => {
  let [a, b, c]: TestAuthority[] = [];
  const all = () => [a, b, c].filter((each) => each !== undefined);
  const one = (host: TestAuthority | undefined) => host as TestAuthority;

  before(async () => {
    [a, b, c] = [await TestAuthority.start('ta1'), await TestAuthority.start('ta2'), await TestAuthority.start('ta3')];
    await one(a).call('attestd', 'PATCH', '/attestation/tpm2/settings', { virtual_tpm_scopes: ['lab'] });
    await one(b).join(one(a));
    // Through a member that was itself let in.
    await one(c).join(one(b));
    for (const host of all()) await waitFor(async () => (await membersOf(host)).length === 3);
  });
  after(async () => {
    for (const host of all()) await host.remove();
  });

  test('all know all, have the same CA, and the configuration of the first', async () => {
    for (const host of all()) {
      await acknowledged(host);
      assert.deepEqual(await membersOf(host), ['ta1 member', 'ta2 member', 'ta3 member']);
      assert.equal(host.ca, one(a).ca);
      const settings = (await host.call('attestd', 'GET', '/attestation/tpm2/settings')) as {
        virtual_tpm_scopes: string[];
      };
      assert.deepEqual(settings.virtual_tpm_scopes, ['lab']);
    }
    assert.deepEqual((await statusOf(one(a))).details, []);
  });

  test('what one takes away all obey when they have acknowledged it; approving again anywhere gives it back', async () => {
    await approve(one(a), 'kvm1');
    await drop(one(a));
    assert.deepEqual(await acknowledged(one(a)), { acknowledged: ['ta1', 'ta2', 'ta3'], silent: [] });
    for (const host of all())
      assert.deepEqual(
        (await statusOf(host)).denied.map((each) => each.sub),
        [sub],
      );
    await approve(one(c), 'kvm1');
    assert.deepEqual((await acknowledged(one(c))).silent, []);
    for (const host of all()) assert.deepEqual((await statusOf(host)).denied, []);
    await drop(one(c));
    await acknowledged(one(c));
  });

  test('writes at all members at once end in one state', async () => {
    const before = (await statusOf(one(a))).epoch;
    await Promise.all(
      all().map(async (host, i) => {
        await host.call('attestd', 'PATCH', '/attestation/tpm2/settings', { virtual_tpm_scopes: [`only-${i}`] });
        await host.call('attestd', 'PATCH', '/attestation/tpm2/settings', { virtual_tpm_scopes: [] });
      }),
    );
    for (const host of all()) assert.deepEqual((await acknowledged(host)).silent, []);
    const states = await Promise.all(all().map(statusOf));
    assert.equal(new Set(states.map(({ epoch }) => epoch)).size, 1);
    assert.ok((states[0]?.epoch ?? 0) >= before + 2);
  });

  test('a member that differs is named, and is brought level from above only', async () => {
    for (let i = 0; i < 20; i++)
      await one(b).call('attestd', 'PATCH', '/attestation/tpm2/settings', { virtual_tpm_scopes: [`b${i}`] });
    const differs = (await statusOf(one(a))).details.map(({ message }) => message);
    assert.match(differs.join('; '), /attestd: the configuration of ta2 differs/);
    const newer = (await one(a).call('host', 'POST', '/host/level', { from: 'ta2' })) as { outcome: string }[];
    assert.deepEqual(
      newer.map(({ outcome }) => outcome),
      ['taken over', 'equal'],
    );
    await one(a).call('attestd', 'PATCH', '/attestation/tpm2/settings', { virtual_tpm_scopes: ['a'] });
    const older = (await one(a).call('host', 'POST', '/host/level', { from: 'ta2' })) as {
      outcome: string;
      detail?: string;
    }[];
    assert.deepEqual([older[0]?.outcome, /generation/.test(older[0]?.detail ?? '')], ['refused', true]);
    await assert.rejects(one(a).call('host', 'POST', '/host/level', { from: 'nobody' }), problem('object.unknown'));
  });

  test('a member that is away is named; it is told when it is back, and what it did meanwhile is heard', async () => {
    await one(c).stopPart('proxy');
    await one(c).stopPart('host');
    await approve(one(a), 'kvm2');
    await drop(one(a));
    const { acknowledged: heard, silent } = await acknowledged(one(a));
    assert.deepEqual([heard, silent.map(({ name }) => name)], [['ta1', 'ta2'], ['ta3']]);
    await one(c).startHost();
    await one(c).startPart('proxy');
    await waitFor(async () => (await acknowledged(one(a))).silent.length === 0);
    assert.deepEqual(
      (await statusOf(one(c))).denied.map((each) => each.sub),
      [sub],
    );
  });

  test('a limit for silence needs three members and stops who is alone', async () => {
    await assert.rejects(
      one(c).call('host', 'PATCH', '/host/group/settings', { max_stale: 5 }),
      problem('input.invalid', /60 seconds or more/),
    );
    await one(c).call('host', 'PATCH', '/host/group/settings', { max_stale: 60 });
    await waitFor(async () => (await statusOf(one(c))).health !== 'ERROR');
    // After a start nobody was heard of yet: nothing is served until most members are.
    await one(c).stopPart('proxy');
    await one(c).stopPart('host');
    for (const host of [one(a), one(b)]) await host.stopPart('proxy');
    await one(c).startHost();
    await one(c).startPart('proxy');
    const client = new HttpClient({ url: one(c).url, ca: one(c).ca });
    const begin = () =>
      client.call('POST', '/attestation/challenge', { ek: { public: 'AAAA' }, ak: 'AAAA', banks: ['sha256'] });
    await waitFor(async () => (await begin().catch((error: { kind?: string }) => error.kind)) === 'group.stale');
    assert.match(JSON.stringify((await statusOf(one(c))).details), /0 of 2 other members were heard of/);
    for (const host of [one(a), one(b)]) await host.startPart('proxy');
    await waitFor(async () => (await begin().catch((error: { kind?: string }) => error.kind)) === 'input.invalid');
    await client.close();
    await one(c).call('host', 'PATCH', '/host/group/settings', { max_stale: 0 });
  });

  test('the channel of members is closed to others: by TLS, and by the signature of each request', async () => {
    const paths = ['/member/group-state', '/member/status', '/member/configuration?part=attestd', '/member/%73tatus'];
    for (const path of paths) assert.deepEqual(await outside(one(a), path), [403, 'vouchsafe.member.refused'], path);
    assert.deepEqual(await outside(one(a), '/member/handover', 'POST'), [403, 'vouchsafe.member.refused']);
    // Whoever gets behind the proxy has no signature yet.
    const inside = new HttpClient({ socket: pathsOf(one(a).config).service('host') });
    for (const path of paths.slice(0, 3))
      await assert.rejects(inside.call('GET', path), problem('member.refused', /missing/));
    await assert.rejects(inside.call('POST', '/member/handover', {}), problem('member.refused'));
    await assert.rejects(inside.call('GET', '/host/members'), problem('operation.unknown'));
    await inside.close();
  });

  test('a host that is removed is refused by the others, learns of it, and serves no more', async () => {
    await assert.rejects(one(a).call('host', 'POST', '/host/members/ta1/remove'), problem('object.in-use'));
    const done = (await one(a).call('host', 'POST', '/host/members/ta2/remove')) as Acknowledgements;
    assert.deepEqual([done.acknowledged, done.silent], [['ta1', 'ta3'], []]);
    for (const host of [one(a), one(c)])
      assert.deepEqual(await membersOf(host), ['ta1 member', 'ta3 member', 'ta2 removed']);
    await waitFor(async () => /was removed from the group/.test(JSON.stringify((await statusOf(one(b))).details)));
    const client = new HttpClient({ url: one(b).url, ca: one(b).ca });
    const begin = client.call('POST', '/attestation/challenge', {
      ek: { public: 'AAAA' },
      ak: 'AAAA',
      banks: ['sha256'],
    });
    await assert.rejects(begin, problem('group.stale', /was removed/));
    await client.close();
    await assert.rejects(inviteOf(one(b)), problem('object.in-use'));
    await assert.rejects(inviteOf(one(a), { name: 'ta2' }), problem('object.exists'), 'its name is never used again');
  });

  test('every step stands in the audit files', async () => {
    const actions = all().flatMap((host) => recordsOf(host).map(({ action }) => action));
    for (const action of [
      'group.create',
      'member.invite',
      'member.add',
      'member.handover',
      'member.join',
      'member.level',
      'member.remove',
      'group.change',
      'group.heard',
    ])
      assert.ok(actions.includes(action), action);
  });
});

describe('joins', () => {
  let member: TestAuthority;
  let folder: string;
  before(async () => {
    member = await TestAuthority.start('ta1');
    folder = mkdtempSync(join(tmpdir(), 'join-'));
  });
  after(async () => {
    await member.remove();
    rmSync(folder, { recursive: true });
  });

  /** A process that joins, or dies at a step. */
  function attempt(
    name: string,
    invite: InviteFile,
    step?: string,
  ): Promise<{ out: string; signal: string | null; err: string }> {
    const state = join(folder, name);
    mkdirSync(state, { recursive: true });
    const config = { role: 'trust-authority', name, state, run: join(state, 'r'), listen: '127.0.0.1:1' };
    writeFileSync(join(state, 'config.json'), JSON.stringify(config));
    writeFileSync(join(state, 'invite.json'), JSON.stringify(invite));
    const program = fileURLToPath(new URL('testing/join-and-die.ts', import.meta.url));
    const args = [
      program,
      join(state, 'config.json'),
      join(state, 'invite.json'),
      ...(step === undefined ? [] : [step]),
    ];
    return new Promise((resolve) =>
      execFile(process.execPath, args, (error, out, err) =>
        resolve({ out, err, signal: (error as { signal?: string } | null)?.signal ?? null }),
      ),
    );
  }

  for (const [i, step] of ['keys-kept', 'answered', 'handed-over', 'joined'].entries()) {
    test(`a host that is killed when its join is "${step}" is no member or one, and the same join ends well`, async () => {
      const [name, invite] = [`host-${i}`, await inviteOf(member)];
      assert.equal((await attempt(name, invite, step)).signal, 'SIGKILL');
      const { out, err } = await attempt(name, invite);
      assert.equal(out, `member of ${invite.group}\n`, err);
      assert.ok((await membersOf(member)).includes(`${name} member`));
      assert.equal((await membersOf(member)).filter((each) => each.startsWith(name)).length, 1, 'once');
      const audit = readFileSync(join(folder, name, 'audit/host.jsonl'), 'utf8')
        .trim()
        .split('\n');
      verifyChain(audit);
      assert.equal(audit.filter((line) => line.includes('member.join')).length, 1);
    });
  }

  const post = async (message: unknown) => {
    const client = new HttpClient({ url: member.url, ca: member.ca });
    try {
      return (await client.call('POST', '/member/join', message)).body;
    } finally {
      await client.close();
    }
  };
  const messageOf = async (invite: InviteFile, name: string) => {
    const keys = { sig: newPair(), enc: newPair() };
    const request = await joinRequest(keys, { group: invite.group, name, url: 'https://x.example' });
    using secret = inviteSecret(invite);
    return joinMessage(invite.id, secret, invite.group, request);
  };

  test('an invite counts for one host: of two that race one is let in, and later none', async () => {
    const invite = await inviteOf(member);
    const messages = [await messageOf(invite, 'first'), await messageOf(invite, 'second')];
    const outcomes = await Promise.allSettled(messages.map(post));
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    const winner = outcomes[0]?.status === 'fulfilled' ? 0 : 1;
    assert.deepEqual(
      await post(messages[winner]),
      (outcomes[winner] as PromiseFulfilledResult<unknown>).value,
      'the same again',
    );
    await assert.rejects(post(await messageOf(invite, 'third')), problem('invite.refused'));
  });

  test('guesses use an invite up; an unknown or expired one, a wrong name and a taken one are refused', async () => {
    const guessed = await inviteOf(member);
    const good = await messageOf(guessed, 'guessed');
    for (let i = 0; i < 5; i++) await assert.rejects(post({ ...good, mac: 'A'.repeat(43) }), problem('invite.refused'));
    await assert.rejects(post(good), problem('invite.refused'), 'also with the right code now');
    await assert.rejects(post({ ...good, invite: 'B'.repeat(22) }), problem('invite.refused'));
    const named = await inviteOf(member, { name: 'only' });
    await assert.rejects(post(await messageOf(named, 'other')), problem('invite.refused', /made for host only/));
    await assert.rejects(post(await messageOf(await inviteOf(member), 'ta1')), problem('object.exists'));
    await assert.rejects(post({ invite: 'x' }), problem('input.invalid'));
    await assert.rejects(inviteOf(member, { name: 'a/b' }), problem('input.invalid'));
  });

  test('a group that is in use is not given up', async (t) => {
    const host = await TestAuthority.start('used');
    t.after(() => host.remove());
    const invite = await inviteOf(member);
    await host.call('attestd', 'PATCH', '/attestation/tpm2/settings', { virtual_tpm_scopes: ['x'] });
    await assert.rejects(
      host.call('host', 'POST', '/host/join', { invite }),
      problem('host.in-group', /attestd or kmxd is configured/),
    );
    assert.notEqual(host.ca, member.ca);
    assert.deepEqual(await membersOf(host), ['used member']);
  });

  test('the secret of an invite is in no record and no answer but its own', async () => {
    const { secret } = await inviteOf(member);
    const status = JSON.stringify([await statusOf(member), await member.call('host', 'GET', '/host/members')]);
    for (const text of [status, JSON.stringify(recordsOf(member))]) assert.ok(!text.includes(secret));
    const store = readdirSync(join(member.folder, 's/host')).map((file) =>
      readFileSync(join(member.folder, 's/host', file)),
    );
    for (const bytes of store) {
      assert.equal(bytes.indexOf(secret), -1);
      assert.equal(bytes.indexOf(Buffer.from(secret, 'base64url')), -1, 'nor on the disk');
    }
  });
});

function recordsOf(host: TestAuthority): { action: string }[] {
  const folder = join(host.folder, 's/audit');
  return readdirSync(folder).flatMap((file) => {
    const lines = readFileSync(join(folder, file), 'utf8').trim().split('\n');
    verifyChain(lines);
    return lines.map((line) => JSON.parse(line) as { action: string });
  });
}

async function waitFor(holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await holds())) {
    assert.ok(performance.now() < end, 'nothing after 20 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What somebody without a certificate of the group gets: status and kind of the problem. */
function outside(host: TestAuthority, path: string, method = 'GET'): Promise<[number | undefined, string]> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(`${host.url}`, { path, method, ca: host.ca, agent: false }, async (answer) => {
      let text = '';
      for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
      resolve([answer.statusCode, (JSON.parse(text) as { messages: { id: string }[] }).messages[0]?.id ?? '']);
    });
    sent.on('error', reject).end();
  });
}
