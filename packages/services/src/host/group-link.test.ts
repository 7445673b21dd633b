import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { problem } from '@vouchsafe/domain/testing/problem';
import type { HttpClient } from '../http/client.ts';
import { type TestPart, testPart } from '../management/testing/part.ts';
import { Followers } from './followers.ts';
import { type GroupLink, groupLink } from './group-link.ts';
import { type GroupNews, GroupRegister } from './group-register.ts';
import { groupRoutes } from './group-routes.ts';
import { membershipComplaints } from './membership-health.ts';

const host = `ek:${'ab'.repeat(32)}`;
const other = `ek:${'cd'.repeat(32)}`;

let part: TestPart;
let register: GroupRegister;
let followers: Followers;
const records: AuditEntry[] = [];
const links: GroupLink[] = [];

beforeEach(() => {
  part = testPart();
  register = new GroupRegister(part.store);
  followers = new Followers(register);
  records.length = 0;
});
afterEach(async () => {
  register.close();
  for (const link of links.splice(0)) await link.close();
  await part.close();
});

const serve = (of: 'attestd' | 'kmxd' | 'proxy'): Promise<HttpClient> =>
  part.serve(groupRoutes(of, register, followers, (entry) => records.push(entry)));

async function follow(options: Parameters<typeof groupLink>[1] = {}, of: 'attestd' | 'kmxd' = 'kmxd') {
  const link = await groupLink((await serve(of)).target, { hold: 5, ...options });
  links.push(link);
  return link;
}

test('what one part reports the others obey, and their obedience is known', async () => {
  const [attestd, kmxd] = [await follow({}, 'attestd'), await follow()];
  await attestd.report({ deny: { [host]: 100 }, epoch: 3, min_epoch: 3 });
  assert.deepEqual(await followers.obeying(['attestd', 'kmxd'], register.version, 5000), []);
  for (const { standing } of [attestd, kmxd]) {
    assert.ok(standing.isDenied(host));
    assert.equal(standing.minEpoch, 3);
  }
  const [record] = records;
  assert.deepEqual(
    [record?.action, record?.actor.id, record?.detail],
    ['group.change', 'attestd', { epoch: 3, min_epoch: 3, denied: [host], lifted: [] }],
  );
  await attestd.report({ deny: { [host]: 100 } });
  assert.equal(records.length, 1, 'what is known already is no change');
});

test('a part that does not take news in is named', async () => {
  let broken = false;
  const kmxd = await follow({
    onNews: () => {
      if (broken) throw new Error('no space left');
    },
  });
  broken = true;
  register.join({ deny: { [host]: 1 } });
  assert.deepEqual(await followers.obeying(['kmxd'], register.version, 100), ['kmxd']);
  assert.ok(kmxd.standing.isDenied(host), 'it obeys, but has no record of it, so it does not say so');
  broken = false;
  assert.deepEqual(await followers.obeying(['kmxd'], register.version, 5000), []);
});

test('each part reports in its own field, and what is no change is named', async () => {
  const [attestd, kmxd, proxy] = [await serve('attestd'), await serve('kmxd'), await serve('proxy')];
  const provider = 'prv:00000000-0000-4000-8000-000000000001';
  await assert.rejects(proxy.call('POST', '/host/group-state', {}), problem('operation.unknown'));
  for (const change of [{ deny: { [host]: 1 } }, { lifted: { [host]: 1 } }, { epoch: 1 }, { min_epoch: 1 }])
    await assert.rejects(kmxd.call('POST', '/host/group-state', change), problem('input.invalid', /kmxd may not/));
  const change = { deny: { [provider]: 1 } };
  await assert.rejects(attestd.call('POST', '/host/group-state', change), problem('input.invalid', /attestd may not/));
  await kmxd.call('POST', '/host/group-state', change);
  assert.ok(register.standing.isDenied(provider));
  await assert.rejects(attestd.call('POST', '/host/group-state', { deny: { x: 1 } }), problem('input.invalid', /deny/));
  await assert.rejects(attestd.call('GET', '/host/group-state?after=x&of=y'), problem('input.invalid', /after/));
  await assert.rejects(
    attestd.call('GET', `/host/group-state?after=1&of=${register.instance}&hold=x`),
    problem('input.invalid', /hold/),
  );
});

test('who knows a version is told what came after it; who knows another instance is told everything', async () => {
  const client = await serve('kmxd');
  register.join({ deny: { [host]: 1 } });
  const first = (await client.call('GET', '/host/group-state')).body as GroupNews;
  assert.deepEqual(Object.keys(first.state.deny), [host]);
  register.join({ deny: { [other]: 2 } });
  const path = `/host/group-state?after=${first.version}`;
  const next = (await client.call('GET', `${path}&of=${first.instance}`)).body as GroupNews;
  assert.deepEqual(next.state.deny, { [other]: 2 });
  const restarted = (await client.call('GET', `${path}&of=another`)).body as GroupNews;
  assert.deepEqual(Object.keys(restarted.state.deny), [host, other]);
});

test('the state is on the disk before anybody hears of it, and is there after a start', async () => {
  register.join({ deny: { [host]: 7, [other]: 1 }, epoch: 4, min_epoch: 2 });
  register.join({ lifted: { [other]: 1 } });
  const again = new GroupRegister(part.store);
  assert.deepEqual(again.standing.state(), register.standing.state());
  assert.notEqual(again.instance, register.instance);
  const [link] = [await follow()];
  part.store[Symbol.dispose]();
  assert.throws(() => register.join({ deny: { [host]: 8 } }), /database/);
  assert.deepEqual(link?.standing.state().deny[host], 7, 'what cannot be kept is not told');
  part.store[Symbol.dispose] = () => undefined;
});

test('a part that does not hear of its host for too long serves no more, where that is set', async () => {
  let clock = 0;
  register.setService(undefined, 60);
  const link = await follow({ clock: () => clock });
  link.mustServe();
  clock = 61_000;
  assert.throws(() => link.mustServe(), problem('group.stale', /not heard of for 61 s/));
  register.setService(undefined, 0);
  await followers.obeying(['kmxd'], register.version, 5000);
  clock = 10_000_000;
  link.mustServe();
  assert.match(membershipComplaints(link)[0]?.message ?? '', /host was not heard of for \d+ s/);
  register.setService('this host was removed from the group', 0);
  await followers.obeying(['kmxd'], register.version, 5000);
  assert.throws(() => link.mustServe(), problem('group.stale', /was removed/));
  assert.deepEqual(membershipComplaints(link), [
    { severity: 'ERROR', message: 'nothing is served: this host was removed from the group' },
  ]);
});

test('nothing is served before the state of the group is known', async () => {
  await assert.rejects(groupLink('/nonexistent/host.sock'), problem('host.not-ready', /state of the group/));
});
