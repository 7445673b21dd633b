import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import type { KeyServer } from '@vouchsafe/kmip/client/client';
import { operation } from '@vouchsafe/kmip/enums';
import { operations } from '@vouchsafe/kmip/operations/operations';
import { refusedWith } from '@vouchsafe/kmip/testing/contract';
import { permissions, permits, type Role, roles } from './roles.ts';
import { kmsFixture } from './testing/fixture.ts';

/** Sent by servers only (KMIP 1.4, 5). */
const ofServers = ['Notify', 'Put'];
/** What 2.0 and 2.1 brought for sessions, logs and tests of clients, which this server has none of. */
const ofNobody = [
  'Log',
  'Login',
  'Logout',
  'Delegated Login',
  'Set Endpoint Role',
  'PKCS#11',
  'Interop',
  'Re-Provision',
];

test('every operation that a client can ask for stands in exactly one row, and no role has one of no row', () => {
  const rows = Object.values(permissions).flat();
  assert.equal(new Set(rows).size, rows.length);
  for (const name of Object.keys({ ...operation, ...operations }))
    assert.equal((rows as string[]).includes(name), ![...ofServers, ...ofNobody].includes(name), name);
  for (const role of Object.keys(roles) as Role[]) assert.equal(permits([role], 'No Such Operation'), false);
  assert.equal(permits([], 'Query'), false);
});

test('no role but those that fetch is given what a key holds', () => {
  for (const role of ['operator', 'auditor'] as const)
    for (const name of ['Get', 'Export', 'Decrypt', 'Register', 'Create'])
      assert.equal(permits([role], name), false, name);
  assert.equal(permits(['auditor', 'operator'], 'Destroy'), true);
  assert.equal(permits(['reader'], 'Destroy'), false);
});

const denied = refusedWith('Permission Denied');

/** What each role may do over the wire with a key of its scope. */
const attempts: Record<string, { try: (client: KeyServer, id: string) => Promise<unknown>; may: readonly Role[] }> = {
  create: {
    try: (client) => client.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] }),
    may: ['user'],
  },
  get: { try: async (client, id) => (await client.get(id))[Symbol.dispose](), may: ['user', 'reader'] },
  getAttributes: {
    try: (client, id) => client.getAttributes(id, ['State']),
    may: ['user', 'reader', 'operator', 'auditor'],
  },
  locate: {
    try: async (client, id) => assert.ok((await client.locate({})).includes(id)),
    may: ['user', 'reader', 'operator', 'auditor'],
  },
  activate: { try: (client, id) => client.activate(id), may: ['user', 'operator'] },
};

test('the roles of a client decide what it may do with the keys of its scope', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  using owner = fixture.client(await fixture.addClient('owner', { scope: 'shared' }));
  for (const role of Object.keys(roles) as Role[]) {
    using client = fixture.client(await fixture.addClient(role, { scope: 'shared', roles: [role] }));
    for (const [what, attempt] of Object.entries(attempts))
      await t.test(`${role}: ${what}`, async () => {
        const id = await owner.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] });
        const done = attempt.try(client, id);
        if (attempt.may.includes(role)) await done;
        else await assert.rejects(done, denied);
      });
  }
});

test('a client of another scope reads nothing, whatever its roles', async (t) => {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  using owner = fixture.client(await fixture.addClient('owner'));
  const id = await owner.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] });
  using other = fixture.client(await fixture.addClient('other', { roles: Object.keys(roles) }));
  await assert.rejects(other.get(id), refusedWith('Item Not Found'));
  assert.deepEqual(await other.locate({}), []);
  using key = await owner.get(id);
  assert.ok(key.material instanceof Secret);
});
