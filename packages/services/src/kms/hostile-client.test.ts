import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import test, { type TestContext } from 'node:test';
import { fromHex } from '@vouchsafe/bytes/hex';
import { mutations } from '@vouchsafe/bytes/hostile';
import { Secret } from '@vouchsafe/bytes/secret';
import { type Attribute, customAttribute } from '@vouchsafe/kmip/attribute';
import type { RequestHeader } from '@vouchsafe/kmip/message';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { create } from '@vouchsafe/kmip/operations/create';
import { destroy } from '@vouchsafe/kmip/operations/destroy';
import { discoverVersions } from '@vouchsafe/kmip/operations/discover-versions';
import { get } from '@vouchsafe/kmip/operations/get';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import { locate } from '@vouchsafe/kmip/operations/locate';
import { UsernameAndPassword } from '@vouchsafe/kmip/server/credential';
import { type Asking, asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { bound } from '@vouchsafe/kmip/ttlv/lazy';
import type { KmsOptions } from './serve.ts';
import { kmsFixture } from './testing/fixture.ts';
import { rawClient } from './testing/raw-client.ts';

const aes: Attribute[] = [
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 256 },
  { name: 'Cryptographic Usage Mask', value: 12 },
];
const creating = (attributes = aes, id?: Uint8Array) =>
  asking(create, { objectType: 'Symmetric Key', template: { names: [], attributes } }, id);
const ids = [1, 2, 3].map((n) => Uint8Array.of(n));
const versionsOf = () => requestMessage([asking(discoverVersions, { versions: [] })]);

async function open(t: TestContext, options: Partial<KmsOptions> = {}) {
  const fixture = await kmsFixture(options);
  t.after(fixture.close);
  const files = await fixture.addClient('one');
  const raw = () => rawClient(fixture.kms.address.port, files);
  const count = async () => {
    using client = fixture.client(files);
    return (await client.locate({})).length;
  };
  return { fixture, files, raw, count };
}

/** What a whole message is refused with. */
const refusedWhole: Record<string, [() => readonly Asking[], Partial<RequestHeader>, string]> = {
  'Batch Count 2 with one item': [() => [creating()], { batchCount: 2 }, 'Invalid Message'],
  'Batch Count 1 with two items': [
    () => [creating(aes, ids[0]), creating(aes, ids[1])],
    { batchCount: 1 },
    'Invalid Message',
  ],
  'Batch Count 0 with one item': [() => [creating()], { batchCount: 0 }, 'Invalid Message'],
  'Batch Count -1': [() => [creating()], { batchCount: -1 }, 'Invalid Message'],
  'Batch Count 2^31-1': [() => [creating()], { batchCount: 2 ** 31 - 1 }, 'Invalid Message'],
  'no items at all': [() => [], {}, 'Invalid Message'],
  'two items without ids': [() => [creating(), creating()], {}, 'Invalid Message'],
  'two items of the same id': [() => [creating(aes, ids[0]), creating(aes, ids[0])], {}, 'Invalid Message'],
  'Maximum Response Size 16': [() => [creating()], { maximumResponseSize: 16 }, 'Response Too Large'],
  'Maximum Response Size -1': [() => [creating()], { maximumResponseSize: -1 }, 'Response Too Large'],
  'version 3.0': [() => [creating()], { version: { major: 3, minor: 0 } }, 'Invalid Message'],
  'version 9.9': [() => [creating()], { version: { major: 9, minor: 9 } }, 'Invalid Message'],
  'version 0.0': [() => [creating()], { version: { major: 0, minor: 0 } }, 'Invalid Message'],
};

test('a message that is refused as a whole has no effect', async (t) => {
  const { raw, count } = await open(t);
  for (const [what, [items, header, reason]] of Object.entries(refusedWhole)) {
    await t.test(what, async () => {
      const client = await raw();
      const answer = await client.ask(requestMessage(items(), header));
      client.close();
      assert.equal(answer.items.length, 1);
      assert.equal(answer.items[0]?.status, 'Operation Failed');
      assert.equal(answer.items[0]?.reason, reason);
    });
  }
  assert.equal(await count(), 0);
});

test('what a message may hold is what the settings say', async (t) => {
  const { raw, count } = await open(t, { limits: { batchItems: 2, attributes: 32 } });
  const three = ids.slice(0, 3).map((id) => creating(aes, id));
  const labels: Attribute[] = Array.from({ length: 30 }, (_, i) => customAttribute(`x-${i}`, 'v'));
  for (const [items, allowed] of [
    [three, false],
    [three.slice(0, 2), true],
    [[creating([...aes, ...labels])], false],
    [[creating([...aes, ...labels.slice(1)])], true],
  ] as const) {
    const client = await raw();
    const answer = await client.ask(requestMessage(items));
    client.close();
    assert.equal(answer.items[0]?.status, allowed ? 'Success' : 'Operation Failed', answer.items[0]?.message);
  }
  assert.equal(await count(), 3);
});

test('a Create whose answer does not fit Maximum Response Size makes nothing', async (t) => {
  const { raw, count } = await open(t);
  const client = await raw();
  const answer = await client.ask(requestMessage([creating()], { maximumResponseSize: 300 }));
  assert.equal(answer.items[0]?.reason, 'Response Too Large');
  client.close();
  assert.equal(await count(), 0);
});

const badKeys: Record<string, Attribute[]> = {
  'no mask': aes.slice(0, 2),
  'an empty mask': [...aes.slice(0, 2), { name: 'Cryptographic Usage Mask', value: 0 }],
  'length 0': [aes[0]!, { name: 'Cryptographic Length', value: 0 }, aes[2]!],
  'length -256': [aes[0]!, { name: 'Cryptographic Length', value: -256 }, aes[2]!],
  'length 2^31-8': [aes[0]!, { name: 'Cryptographic Length', value: 2 ** 31 - 8 }, aes[2]!],
  'an algorithm without keys here': [{ name: 'Cryptographic Algorithm', value: 'RC4' }, ...aes.slice(1)],
  'a State': [...aes, { name: 'State', value: 'Active' }],
  'a Unique Identifier': [...aes, { name: 'Unique Identifier', value: 'mine' }],
  'an attribute of the server': [...aes, { name: 'y-Any', value: { type: 'Text String', value: '1' } }],
  'the length twice': [...aes, aes[1]!],
};

test('keys that are asked for wrongly are not made', async (t) => {
  const { raw, count } = await open(t);
  const client = await raw();
  for (const [what, attributes] of Object.entries(badKeys)) {
    const answer = await client.ask(requestMessage([creating(attributes)]));
    assert.equal(answer.items[0]?.reason, 'Invalid Field', what);
  }
  const many = Array.from(
    { length: 129 },
    (_, i): Attribute => ({ name: `x-${i}`, value: { type: 'Integer', value: i } }),
  );
  await assert.rejects(async () => requestMessage([creating([...aes, ...many])]), /limit 128/);
  client.close();
  assert.equal(await count(), 0);
});

test('the ID Placeholder lives as long as its message and is set by one hit of Locate only', async (t) => {
  const { raw } = await open(t);
  const client = await raw();
  const chained = await client.ask(
    requestMessage([creating(aes, ids[0]), asking(activate, {}, ids[1]), asking(get, {}, ids[2])]),
  );
  assert.deepEqual(
    chained.items.map(({ status }) => status),
    ['Success', 'Success', 'Success'],
  );
  for (const first of [asking(get, {}), asking(destroy, {}), asking(activate, {})])
    assert.equal((await client.ask(requestMessage([first]))).items[0]?.reason, 'Item Not Found');
  await client.ask(requestMessage([creating()]));
  const two = await client.ask(requestMessage([asking(locate, { attributes: [] }, ids[0]), asking(get, {}, ids[1])]));
  assert.deepEqual(
    two.items.map(({ reason }) => reason),
    [undefined, 'Item Not Found'],
  );
  client.close();
});

test('the first failed item ends a batch, unless the client asked to continue', async (t) => {
  const { raw, count } = await open(t);
  const client = await raw();
  const items = () => [asking(get, { id: 'none' }, ids[0]), creating(aes, ids[1])];
  assert.equal((await client.ask(requestMessage(items()))).items.length, 1);
  assert.equal(await count(), 0);
  const on = await client.ask(requestMessage(items(), { onError: 'Continue' }));
  assert.deepEqual(
    on.items.map(({ status }) => status),
    ['Operation Failed', 'Success'],
  );
  client.close();
});

test('a foreign object and a missing one are told apart by no word', async (t) => {
  const { fixture, raw } = await open(t);
  const owner = await raw();
  const created = await owner.ask(requestMessage([creating()]));
  const { id } = created.items[0]!.payload!.as(create.response);
  owner.close();
  const stranger = await rawClient(fixture.kms.address.port, await fixture.addClient('two'));
  for (const operation of [get, getAttributes, activate, destroy]) {
    const [foreign, missing] = await Promise.all(
      [id, '7d0a3c88-0000-4000-8000-000000000000'].map(async (each) => {
        const client = await rawClient(
          fixture.kms.address.port,
          await fixture.addClient(`${operation.name.replace(' ', '')}-${each.slice(0, 8)}`),
        );
        const answer = await client.ask(requestMessage([asking(operation, { id: each, names: [] } as never)]));
        client.close();
        return answer.items[0]!;
      }),
    );
    assert.equal(foreign!.reason, 'Item Not Found');
    assert.deepEqual({ ...foreign }, { ...missing });
  }
  const found = await stranger.ask(requestMessage([asking(locate, { attributes: [] })]));
  assert.deepEqual(found.items[0]!.payload!.as(locate.response).ids, []);
  stranger.close();
});

const password = () => ({
  type: 'Username and Password' as const,
  value: bound(UsernameAndPassword, { username: 'somebody', password: Secret.take(Buffer.from('word')) }),
});

test('a credential is neither refused for being there nor does it make the client anybody else', async (t) => {
  const { fixture, raw } = await open(t);
  const owner = await raw();
  const header = { authentication: { credentials: [password()] } };
  const created = await owner.ask(requestMessage([creating()], header));
  const { id } = created.items[0]!.payload!.as(create.response);
  assert.equal((await owner.ask(requestMessage([asking(get, { id })]))).items[0]?.status, 'Success');
  owner.close();
  const other = await rawClient(fixture.kms.address.port, await fixture.addClient('somebody'));
  assert.equal((await other.ask(requestMessage([asking(get, { id })], header))).items[0]?.reason, 'Item Not Found');
  const device = { authentication: { credentials: [{ ...password(), type: 'Device' as const }] } };
  assert.equal(
    (await other.ask(requestMessage([creating()], device))).items[0]?.reason,
    'Authentication Not Successful',
  );
  other.close();
});

test('a client that has user names comes under no other, and its own make it nobody else', async (t) => {
  const { fixture } = await open(t);
  const files = await fixture.addClient('bound', { users: ['somebody', 'else'] });
  const client = await rawClient(fixture.kms.address.port, files);
  const named = (username: string) => ({
    ...password(),
    value: bound(UsernameAndPassword, { username, password: undefined }),
  });
  const reasonOf = async (...credentials: ReturnType<typeof named>[]) =>
    (await client.ask(requestMessage([creating()], { authentication: { credentials } }))).items[0]?.reason;
  assert.equal(await reasonOf(named('somebody')), undefined);
  assert.equal(await reasonOf(named('one')), 'Authentication Not Successful');
  assert.equal(await reasonOf(named('Somebody')), 'Authentication Not Successful');
  assert.equal(await reasonOf(named('somebody'), named('one')), 'Authentication Not Successful');
  client.close();
});

test('messages in one write, and in writes of one octet, are answered in order', async (t) => {
  const { raw } = await open(t);
  const client = await raw();
  client.send(Buffer.concat([versionsOf(), requestMessage([asking(get, { id: 'none' })])]));
  assert.equal((await client.receive())?.items[0]?.operation, 'Discover Versions');
  assert.equal((await client.receive())?.items[0]?.operation, 'Get');
  for (const octet of versionsOf()) client.send(Uint8Array.of(octet));
  assert.equal((await client.receive())?.items[0]?.operation, 'Discover Versions');
  client.close();
});

test('what is no message ends its connection and no other', async (t) => {
  const { raw } = await open(t);
  const bystander = await raw();
  for (const octets of [
    '42007801ffffffff',
    '4200780104000000',
    '474554202f20485454502f312e310d0a',
    '4200780200000004',
  ]) {
    const client = await raw();
    client.send(fromHex(octets));
    await client.ended;
  }
  const broken = await raw();
  const deep = `4200780100000010${'4200770100000008'}4200690100000100`;
  assert.equal((await broken.ask(fromHex(deep))).items[0]?.reason, 'Invalid Message');
  await broken.ended;
  assert.equal((await bystander.ask(versionsOf())).items[0]?.status, 'Success');
  bystander.close();
});

test('mutated messages never stop the server', async (t) => {
  const failures: unknown[] = [];
  const { raw } = await open(t, { report: (event) => event.event === 'failed' && failures.push(event.error) });
  const samples = [requestMessage([creating()]), versionsOf(), requestMessage([asking(get, { id: 'none' })])];
  const hostile: Uint8Array[] = [];
  mutations(samples, 7, 150, (octets) => hostile.push(octets.slice()));
  for (const octets of hostile) {
    const client = await raw();
    client.socket.end(Buffer.from(octets));
    await client.ended;
  }
  const client = await raw();
  assert.equal((await client.ask(versionsOf())).items[0]?.status, 'Success');
  client.close();
  assert.deepEqual(failures, []);
});

test('half a message that is never finished ends its connection', async (t) => {
  const { raw } = await open(t, { limits: { message: 100 } });
  const half = await raw();
  half.send(versionsOf().subarray(0, 20));
  await half.ended;
});

test('silence, a handshake that never ends, and other protocols are cut off; the server goes on', async (t) => {
  const { fixture, raw } = await open(t, { limits: { handshake: 100, idle: 400 } });
  const silent = await raw();
  await silent.ended;
  for (const words of ['', 'GET / HTTP/1.1\r\n\r\n', '\x42\x00\x78\x01']) {
    const plain = connectPlain(fixture.kms.address.port, '127.0.0.1');
    plain.on('error', () => {});
    plain.write(words);
    await once(plain.resume(), 'close');
  }
  const client = await raw();
  assert.equal((await client.ask(versionsOf())).items[0]?.status, 'Success');
  client.close();
});

test('nothing that follows a broken message is carried out', async (t) => {
  const { raw, count } = await open(t);
  const client = await raw();
  const broken = fromHex('4200780100000010' + '4200770100000008' + '4200690100000100');
  client.send(Buffer.concat([broken, requestMessage([creating()])]));
  await client.ended;
  assert.equal(await count(), 0);
});

test('an address gets so many connections and no more', async (t) => {
  const { raw } = await open(t, { limits: { connectionsPerAddress: 2 } });
  const held = [await raw(), await raw()];
  await assert.rejects(raw());
  held[0]!.close();
  let again = await raw().catch(() => undefined);
  while (again === undefined) again = await raw().catch(() => undefined);
  assert.equal((await again.ask(versionsOf())).items[0]?.status, 'Success');
  for (const each of [again, held[1]!]) each.close();
});
