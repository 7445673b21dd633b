import assert from 'node:assert/strict';
import test from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import { attributeValue, customAttribute } from '@vouchsafe/kmip/attribute';
import type { KmipClientOptions } from '@vouchsafe/kmip/client/options';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { create } from '@vouchsafe/kmip/operations/create';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import { locate } from '@vouchsafe/kmip/operations/locate';
import { respond, type Script } from '@vouchsafe/kmip/testing/fake-server';
import { bound } from '@vouchsafe/kmip/ttlv/lazy';
import { clientOf, failsWith, fake, trusted } from './testing/fake-peer.ts';
import type { Fault } from './testing/faulty-relay.ts';
import { relayed } from './testing/relayed.ts';

const aes256 = { algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] } as const;
const keys = [{ name: 'Object Type', value: 'Symmetric Key' }] as const;

const faults: readonly Fault[] = ['lose-answer', 'lose-request', 'silence', 'forge-answer'];
const markers: readonly KmipClientOptions['marker'][] = [undefined, 'Name', 'x-Request'];

for (const fault of faults)
  for (const marker of markers)
    for (const name of [undefined, 'of the caller'])
      test(`a Create that meets ${fault} makes one key, marked by ${marker ?? 'default'}${name ? ', named' : ''}`, async (t) => {
        const options = { tryTimeout: 300, ...(marker === undefined ? {} : { marker }) };
        const { relays, client, direct } = await relayed(t, { stores: 1, relays: 2 }, options);
        relays[0]!.faults.push(fault);
        const id = await client.create({ ...aes256, ...(name === undefined ? {} : { name }) });
        assert.deepEqual(relays[0]!.faults, [], 'the fault was met');
        assert.deepEqual(await direct[0]!.locate({ attributes: keys }), [id]);
        (await client.get(id, aes256))[Symbol.dispose]();
        if (name !== undefined) assert.deepEqual(await client.locate({ name }), [id]);
      });

test('Register and Re-key that lose their answers make one object each', async (t) => {
  const { relays, client, direct } = await relayed(t, { stores: 1, relays: 2 });
  const old = await client.create(aes256);
  await client.activate(old);
  relays[0]!.faults.push('lose-answer');
  const renewed = await client.reKey(old);
  relays[0]!.faults.push('lose-answer');
  const material = Secret.take(new Uint8Array(32).fill(3));
  const brought = await client.register({
    object: {
      type: 'Symmetric Key',
      block: { format: 'Raw', value: { material, attributes: [] }, algorithm: 'AES', length: 256 },
    },
    usage: ['Encrypt'],
    name: 'brought',
  });
  assert.deepEqual(relays[0]!.faults, []);
  const there = await direct[0]!.locate({ attributes: keys });
  assert.deepEqual(there.toSorted(), [old, renewed, brought].toSorted());
  using fetched = await client.get(brought, aes256);
  assert.ok(fetched.material.equals(material));
});

test('what a lost Create left at a server that went away is destroyed when it is back, and nothing else', async (t) => {
  const { relays, client, direct, events } = await relayed(t, { stores: 2, relays: 2 }, { tryTimeout: 300 });
  const [first, second] = direct;
  const other = await first!.create(aes256);
  relays[0]!.faults.push('silence');
  const creating = client.create(aes256);
  // The server carries it out, then cannot be reached.
  while ((await first!.locate({ attributes: keys })).length < 2)
    await new Promise((resolve) => setTimeout(resolve, 10));
  await relays[0]!.down();
  const id = await creating;
  assert.deepEqual(await second!.locate({ attributes: keys }), [id]);
  await relays[0]!.up();
  await client.health();
  await client.settle();
  assert.deepEqual(await first!.locate({ attributes: keys }), [other]);
  const leftovers = events.filter(({ event }) => event === 'leftover');
  assert.deepEqual(
    leftovers.map((each) => 'destroyed' in each && each.destroyed),
    [true],
  );
  assert.notEqual('id' in leftovers[0]! && leftovers[0].id, id);
});

test('a server that ignores what it is asked to locate does not have a foreign key adopted', async (t) => {
  const foreign = { ids: ['foreign', 'another'] };
  const script: Script = (request, n) => {
    const [item] = request.items;
    if (item?.operation === 'Locate') return respond(request, { payload: bound(locate.response, foreign) });
    if (item?.operation === 'Get Attributes') {
      const { id = '' } = item.payload.as(getAttributes.request);
      const attributes = [{ name: 'State' as const, value: 'Pre-Active' as const }];
      return respond(request, { payload: bound(getAttributes.response, { id, attributes }) });
    }
    if (n === 1) return 'close';
    return respond(request, { payload: bound(create.response, { objectType: 'Symmetric Key', id: 'mine' }) });
  };
  const started = await fake(t, script);
  assert.equal(await clientOf(t, [started]).create(aes256), 'mine');
  assert.ok(!started.seen.includes('Destroy'));
});

test('an object that is found but in use is reported, not destroyed', async (t) => {
  const events: unknown[] = [];
  let marked: Parameters<typeof create.request.write>[1]['template']['attributes'] = [];
  const script: Script = (request, n) => {
    const [item] = request.items;
    if (item?.operation === 'Create') {
      marked = item.payload.as(create.request).template.attributes;
      return 'close';
    }
    if (item?.operation === 'Locate')
      return respond(request, { payload: bound(locate.response, { ids: ['b', 'a', 'c'] }) });
    if (item?.operation === 'Get Attributes') {
      const { id = '' } = item.payload.as(getAttributes.request);
      const state = { name: 'State' as const, value: id === 'b' ? ('Active' as const) : ('Pre-Active' as const) };
      const attributes = [state, ...marked.filter(({ name }) => name === 'Name')];
      return respond(request, { payload: bound(getAttributes.response, { id, attributes }) });
    }
    return respond(request, { payload: bound(activate.response, { id: 'c' }) }, { batchCount: n > 99 ? 2 : 1 });
  };
  const client = clientOf(t, [await fake(t, script)], trusted, { onEvent: (event) => void events.push(event) });
  assert.equal(await client.create(aes256), 'a');
  const leftovers = events.filter((each) => JSON.stringify(each).includes('leftover'));
  assert.deepEqual(
    leftovers.map((each) => Object(each)).map(({ id, destroyed }) => ({ id, destroyed })),
    [
      { id: 'b', destroyed: false },
      { id: 'c', destroyed: true },
    ],
  );
});

test('Activate, Revoke, Destroy and Add Attribute that lost their answers succeed, and are done once', async (t) => {
  const { relays, client, direct } = await relayed(t, { stores: 1, relays: 2 });
  const [relay] = relays;
  const id = await client.create(aes256);
  const product = customAttribute('x-Product', 'one');
  const steps: [() => Promise<void>, () => Promise<void>][] = [
    [
      () => client.addAttribute(id, product),
      async () => assert.equal((await direct[0]!.getAttributes(id, ['x-Product'])).length, 1),
    ],
    [() => client.activate(id), async () => assert.equal(await stateOf(), 'Active')],
    [
      () => client.revoke(id, { code: 'Cessation of Operation' }),
      async () => assert.equal(await stateOf(), 'Deactivated'),
    ],
    [() => client.destroy(id), () => assert.rejects(direct[0]!.get(id), failsWith('operation.failed'))],
  ];
  const stateOf = async () => attributeValue(await direct[0]!.getAttributes(id, ['State']), 'State');
  for (const [act, holds] of steps) {
    relay!.faults.push('lose-answer');
    await act();
    assert.deepEqual(relay!.faults, [], 'the fault was met');
    await holds();
  }
});

test('the same refusals are refusals when no answer was lost', async (t) => {
  const { client } = await relayed(t, { stores: 1, relays: 1 });
  const id = await client.create(aes256);
  await client.activate(id);
  await assert.rejects(client.activate(id), failsWith('operation.failed'));
  await assert.rejects(client.destroy('nothing'), failsWith('operation.failed', /Item Not Found/));
});
