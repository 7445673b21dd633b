import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import type { ClientEvent } from '@vouchsafe/kmip/client/events';
import type { ResultReason } from '@vouchsafe/kmip/error';
import { create } from '@vouchsafe/kmip/operations/create';
import { destroy } from '@vouchsafe/kmip/operations/destroy';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import { query } from '@vouchsafe/kmip/operations/query';
import { respond, type Script } from '@vouchsafe/kmip/testing/fake-server';
import { bound } from '@vouchsafe/kmip/ttlv/lazy';
import { clientOf, failsWith, fake, honest, keyPayload, own, trusted } from './testing/fake-peer.ts';
import { relayed } from './testing/relayed.ts';

const aes256 = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;

const failing =
  (reason: ResultReason): Script =>
  (request) =>
    respond(request, { status: 'Operation Failed', reason });
const absent = failing('Item Not Found');

/** Answers Query, Create and Destroy, and Get with this key. */
const server =
  (facts: Parameters<typeof keyPayload>[0] | 'absent' = {}): Script =>
  (request, n) => {
    const operation = request.items[0]?.operation;
    const none = { functions: [], operations: [], objectTypes: [], applicationNamespaces: [] };
    if (operation === 'Query') return respond(request, { payload: bound(query.response, emptyQuery(none)) });
    if (operation === 'Create')
      return respond(request, { payload: bound(create.response, { objectType: 'Symmetric Key', id: 'a' }) });
    if (operation === 'Destroy') return respond(request, { payload: bound(destroy.response, { id: 'a' }) });
    return facts === 'absent' ? absent(request, n) : respond(request, keyPayload(facts));
  };

const emptyQuery = (given: object) =>
  ({
    extensions: [],
    attestationTypes: [],
    rngs: [],
    profiles: [],
    validations: [],
    capabilities: [],
    registrationMethods: [],
    ...given,
  }) as unknown as Parameters<typeof query.response.write>[1];

const inState =
  (state: 'Active' | 'Pre-Active' | 'Deactivated' | 'Compromised' | 'Destroyed'): Script =>
  (request) =>
    respond(request, {
      payload: bound(getAttributes.response, { id: 'a', attributes: [{ name: 'State', value: state }] }),
    });

/** A port where nobody is. */
async function nobody(): Promise<{ port: number }> {
  const listener = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.once('listening', resolve));
  const { port } = listener.address() as AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return { port };
}

/** A port that ends every connection, and how many there were. */
async function slammer(t: TestContext): Promise<{ port: number; readonly connections: number }> {
  let connections = 0;
  const listener = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.once('listening', resolve));
  t.after(() => new Promise((resolve) => listener.close(resolve)));
  const { port } = listener.address() as AddressInfo;
  return {
    port,
    get connections() {
      return connections;
    },
  };
}

const watched = () => {
  const events: ClientEvent[] = [];
  return { events, onEvent: (event: ClientEvent) => void events.push(event) };
};
const named = (events: readonly ClientEvent[], event: ClientEvent['event']) =>
  events.filter((each) => each.event === event);

const decided: ResultReason[] = [
  'Permission Denied',
  'Authentication Not Successful',
  'Invalid Field',
  'Invalid Message',
  'Illegal Operation',
  'Missing Data',
  'Operation Not Supported',
  'Feature Not Supported',
  'Object archived',
  'Cryptographic Failure',
];
for (const reason of decided)
  test(`no other server is asked when one says ${reason}`, async (t) => {
    const [first, second] = [await fake(t, failing(reason)), await fake(t, honest)];
    await assert.rejects(clientOf(t, [first, second]).get('a'), failsWith('operation.failed', new RegExp(reason)));
    assert.deepEqual(second.seen, []);
  });

for (const [what, script] of Object.entries<Script>({
  'General Failure': failing('General Failure'),
  silence: () => 'silence',
  'a closed connection': () => 'close',
  'an answer that is none': () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
}))
  test(`after ${what} another server gives the key`, async (t) => {
    const client = clientOf(t, [await fake(t, script), await fake(t, honest)], trusted, { tryTimeout: 300 });
    using key = await client.get('a');
    assert.equal(key.id, 'a');
  });

test('a key that only another server has is given, and the lag is told', async (t) => {
  const { events, onEvent } = watched();
  const client = clientOf(t, [await fake(t, absent), await fake(t, honest)], trusted, { onEvent });
  (await client.get('a'))[Symbol.dispose]();
  assert.equal(named(events, 'replication.lag').length, 1);
});

test('a key is missing when all servers say so, and not before', async (t) => {
  const [one, two] = [await fake(t, absent), await fake(t, absent)];
  await assert.rejects(clientOf(t, [one, two]).get('a'), failsWith('operation.failed', /Item Not Found/));
  assert.deepEqual([one.seen.at(-1), two.seen.at(-1)], ['Get', 'Get']);
  const doubtful = clientOf(t, [one, await nobody()]);
  await assert.rejects(doubtful.get('a'), failsWith('server.unreachable', /which may have it, cannot be asked/));
});

test('a key made on a server that went away is lagging, not missing', async (t) => {
  const [maker, replica] = [await fake(t, server()), await fake(t, server('absent'))];
  const client = clientOf(t, [maker, replica]);
  const id = await client.create(aes256);
  await maker.close();
  await assert.rejects(client.get(id), (error) => {
    assert.ok(failsWith('replication.lag', /do not make another one/)(error));
    return (error as { id?: string }).id === id;
  });
});

test('the server that made a key is asked for it first', async (t) => {
  const [first, second] = [await fake(t, failing('General Failure')), await fake(t, server())];
  const client = clientOf(t, [first, second]);
  const id = await client.create(aes256);
  const before = first.seen.length;
  (await client.get(id))[Symbol.dispose]();
  assert.equal(first.seen.length, before);
});

test('a new key is used only when a second server has it too', async (t) => {
  const maker = await fake(t, server());
  let late = 3;
  const slow: Script = (request, n) => (late-- > 0 ? absent(request, n) : server()(request, n));
  assert.equal(await clientOf(t, [maker, await fake(t, slow)]).create(aes256, { verify: true }), 'a');
  assert.ok(late < 0);

  const never = clientOf(t, [maker, await fake(t, server('absent'))]);
  await assert.rejects(
    never.create(aes256, { verify: true, timeout: 600 }),
    failsWith('replication.lag', /^a was made/),
  );
  const gone = clientOf(t, [maker, await nobody()]);
  await assert.rejects(gone.create(aes256, { verify: true }), failsWith('server.unreachable', /^a was made/));
  const refused = clientOf(t, [maker, await fake(t, failing('Permission Denied'))]);
  await assert.rejects(refused.create(aes256, { verify: true }), failsWith('operation.failed'));
  // Without verification none of this is noticed.
  assert.equal(await never.create(aes256), 'a');
});

test('two servers with different keys under one id are told apart', async (t) => {
  const other: Script = (request) => respond(request, keyPayload({ octets: 16, length: 128 }));
  const client = clientOf(t, [await fake(t, server()), await fake(t, other)]);
  await assert.rejects(client.get('a', undefined, { verify: true }), failsWith('replication.conflict'));
  (await client.get('a'))[Symbol.dispose]();
});

test('of different states the most restrictive one holds', async (t) => {
  const table = [
    [['Active', 'Active'], 'Active', true],
    [['Active', 'Compromised'], 'Compromised', false],
    [['Deactivated', 'Active'], 'Deactivated', false],
    [['Active', 'Pre-Active'], 'Pre-Active', false],
    [['Destroyed', 'Compromised'], 'Destroyed', false],
  ] as const;
  for (const [[one, two], expected, agreed] of table) {
    const client = clientOf(t, [await fake(t, inState(one)), await fake(t, inState(two))]);
    const found = await client.state('a');
    assert.deepEqual([found.state, found.agreed], [expected, agreed]);
  }
});

test('a state is known with one server silent, and says so; with all silent it is not known', async (t) => {
  const client = clientOf(t, [await nobody(), await fake(t, inState('Active'))]);
  const { state, servers } = await client.state('a');
  assert.equal(state, 'Active');
  assert.deepEqual(
    servers.map(({ error }) => error?.code),
    ['server.unreachable', undefined],
  );
  await assert.rejects(clientOf(t, [await nobody(), await nobody()]).state('a'), failsWith('server.unreachable'));
  const missing = clientOf(t, [await fake(t, absent), await fake(t, absent)]);
  await assert.rejects(missing.state('a'), failsWith('operation.failed', /Item Not Found/));
});

test('a server that fails is left alone, found again by a probe, and preferred again', async (t) => {
  const { events, onEvent } = watched();
  const breaker = { failures: 2, pause: 200, longest: 200 };
  const { relays, client } = await relayed(t, { stores: 1, relays: 2 }, { onEvent, breaker });
  const id = await client.create(aes256);
  const get = async () => (await client.get(id))[Symbol.dispose]();
  const health = async () => (await client.health()).map(({ ok }) => ok);
  await relays[0]!.down();
  for (let i = 0; i < 5; i++) await get();
  assert.equal(named(events, 'server.down').length, 1);
  assert.deepEqual(await health(), [false, true]);
  await relays[0]!.up();
  for (const until = Date.now() + 5000; named(events, 'server.up').length === 0 && Date.now() < until; ) {
    await get();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(named(events, 'server.up').length, 1);
  assert.deepEqual(await health(), [true, true]);
});

test('a server that is left alone is not dialled for every request', async (t) => {
  const [bad, good] = [await slammer(t), await fake(t, honest)];
  const client = clientOf(t, [bad, good], trusted, { breaker: { failures: 2, pause: 60_000 } });
  for (let i = 0; i < 20; i++) (await client.get('a'))[Symbol.dispose]();
  assert.equal(bad.connections, 2);
});

test('when all servers are left alone, all are asked: the first that is back serves at once', async (t) => {
  const breaker = { failures: 1, pause: 60_000 };
  const { relays, client } = await relayed(t, { stores: 1, relays: 2 }, { breaker });
  const id = await client.create(aes256);
  for (const relay of relays) await relay.down();
  await assert.rejects(client.get(id), failsWith('server.unreachable'));
  await assert.rejects(client.get(id), failsWith('server.unreachable'));
  await relays[1]!.up();
  (await client.get(id))[Symbol.dispose]();
});

test('many requests at once make one probe of a server that is away', async (t) => {
  const bad = await slammer(t);
  const client = clientOf(t, [bad], trusted, { breaker: { failures: 1, pause: 60_000 }, connections: 50 });
  await assert.rejects(client.get('a'), failsWith('server.unreachable'));
  const before = bad.connections;
  await Promise.allSettled(Array.from({ length: 50 }, () => client.get('a')));
  assert.equal(bad.connections, before + 1);
});

test('servers of one priority share the load, others wait for their turn', async (t) => {
  const [one, two, spare] = [await fake(t, honest), await fake(t, honest), await fake(t, honest)];
  const servers = [one, two, spare].map(({ port }, i) => ({
    host: '127.0.0.1',
    port,
    trust: trusted,
    priority: i === 2 ? 5 : 1,
  }));
  const client = clientOf(t, [one], trusted, { ...own, servers: servers as never });
  for (let i = 0; i < 10; i++) (await client.get('a'))[Symbol.dispose]();
  const gets = [one, two, spare].map(({ seen }) => seen.filter((each) => each === 'Get').length);
  assert.deepEqual(gets, [5, 5, 0]);
});

test('a Destroy whose answer was lost is not believed of a server that may never have had the key', async (t) => {
  const lost: Script = (request, n) => (request.items[0]?.operation === 'Destroy' ? 'close' : server()(request, n));
  const [maker, replica] = [await fake(t, lost), await fake(t, absent)];
  const client = clientOf(t, [maker, replica]);
  const id = await client.create(aes256);
  await assert.rejects(client.destroy(id), failsWith('replication.lag'));
  // A key that this client did not make was on both.
  await clientOf(t, [maker, replica]).destroy('old');
});

test('health names every server, its version, vendor and certificate', async (t) => {
  const { client, relays } = await relayed(t, { stores: 1, relays: 2 });
  await relays[1]!.down();
  const [first, second] = await client.health();
  assert.equal(first?.ok, true);
  assert.match(String(first?.version), /^\d\.\d$/);
  assert.ok((first?.certificate?.notAfter.getTime() ?? 0) > Date.now());
  assert.equal(second?.ok, false);
  assert.equal(second?.error?.code, 'server.unreachable');
});
