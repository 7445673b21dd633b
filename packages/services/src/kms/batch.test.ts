import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { type Attribute, customAttribute, nameAttribute } from '@vouchsafe/kmip/attribute';
import type { RequestHeader } from '@vouchsafe/kmip/message';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { addAttribute } from '@vouchsafe/kmip/operations/add-attribute';
import { create } from '@vouchsafe/kmip/operations/create';
import { get } from '@vouchsafe/kmip/operations/get';
import { locate } from '@vouchsafe/kmip/operations/locate';
import { type Asking, asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { kmsFixture } from './testing/fixture.ts';
import { rawClient } from './testing/raw-client.ts';

const item = (n: number) => Uint8Array.of(n);

const creating = (n: number, name?: string): Asking => {
  const attributes: Attribute[] = [
    { name: 'Cryptographic Algorithm', value: 'AES' },
    { name: 'Cryptographic Length', value: 256 },
    { name: 'Cryptographic Usage Mask', value: 12 },
    ...(name === undefined ? [] : [nameAttribute(name)]),
  ];
  return asking(create, { objectType: 'Symmetric Key', template: { names: [], attributes } }, item(n));
};
const failing = (n: number) => asking(activate, { id: 'no such object' }, item(n));

async function opened(t: TestContext) {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = await fixture.addClient('one');
  const client = await rawClient(fixture.kms.address.port, files);
  t.after(client.close);
  const keys = fixture.client(files);
  t.after(() => keys.close());
  const ask = async (items: readonly Asking[], header: Partial<RequestHeader> = {}) =>
    (await client.ask(requestMessage(items, header))).items;
  return { ask, keys };
}

test('KMIP 1.4, 6.13: Stop keeps what was done before the failure, and does nothing after it', async (t) => {
  const { ask, keys } = await opened(t);
  for (const header of [{}, { onError: 'Stop' }] as const) {
    const before = (await keys.locate({})).length;
    const items = await ask([creating(1), failing(2), creating(3)], header);
    assert.deepEqual(
      items.map(({ status }) => status),
      ['Success', 'Operation Failed'],
    );
    assert.equal((await keys.locate({})).length, before + 1);
  }
});

test('KMIP 1.4, 6.13: Continue does what comes after the failure, too', async (t) => {
  const { ask, keys } = await opened(t);
  const items = await ask([creating(1), failing(2), creating(3)], { onError: 'Continue' });
  assert.deepEqual(
    items.map(({ status, id }) => [status, id]),
    [
      ['Success', item(1)],
      ['Operation Failed', item(2)],
      ['Success', item(3)],
    ],
  );
  assert.equal((await keys.locate({})).length, 2);
});

test('KMIP 1.4, 6.13: Undo takes everything back, and says so of each item', async (t) => {
  const { ask, keys } = await opened(t);
  const kept = await keys.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] });
  const items = await ask(
    [
      creating(1, 'undone'),
      asking(activate, {}, item(2)),
      asking(addAttribute, { id: kept, attribute: customAttribute('x-undone', 'yes') }, item(3)),
      failing(4),
      creating(5),
    ],
    { onError: 'Undo' },
  );
  assert.deepEqual(
    items.map(({ status, payload }) => [status, payload]),
    [
      ['Operation Undone', undefined],
      ['Operation Undone', undefined],
      ['Operation Undone', undefined],
      ['Operation Failed', undefined],
    ],
  );
  assert.deepEqual(await keys.locate({}), [kept]);
  assert.deepEqual(await keys.getAttributes(kept, ['x-undone']), []);
  assert.deepEqual(await keys.locate({ name: 'undone' }), []);
});

test('KMIP 1.4, 6.13: Undo of what succeeds undoes nothing', async (t) => {
  const { ask, keys } = await opened(t);
  const items = await ask([creating(1), asking(activate, {}, item(2))], { onError: 'Undo' });
  assert.deepEqual(
    items.map(({ status }) => status),
    ['Success', 'Success'],
  );
  assert.equal((await keys.locate({ attributes: [{ name: 'State', value: 'Active' }] })).length, 1);
});

test('KMIP 1.4, 4: the ID Placeholder is of its message, set by success alone', async (t) => {
  const { ask } = await opened(t);
  const [made, , fetched] = await ask([creating(1, 'a'), creating(2, 'a'), asking(get, {}, item(3))], {
    onError: 'Continue',
  });
  assert.equal(fetched!.payload!.as(get.response).id, made!.payload!.as(create.response).id);
  const [lost] = await ask([asking(get, {}, item(1))]);
  assert.equal(lost!.reason, 'Item Not Found');
});

test('KMIP 1.4, 6.3: an answer that is larger than Maximum Response Size leaves nothing done', async (t) => {
  const { ask, keys } = await opened(t);
  for (const onError of ['Stop', 'Undo'] as const) {
    const before = (await keys.locate({})).length;
    const many = Array.from({ length: 8 }, (_, i) => creating(i + 1));
    const items = await ask(many, { maximumResponseSize: 1024, onError });
    assert.equal(items.at(-1)!.reason, 'Response Too Large');
    const done = items.filter(({ status }) => status === 'Success').length;
    assert.equal(done > 0, onError === 'Stop');
    assert.equal((await keys.locate({})).length, before + done);
  }
});

test('KMIP 1.4, 6.7: what may be answered asynchronously is answered at once', async (t) => {
  const { ask } = await opened(t);
  const [made] = await ask([creating(1)], { asynchronous: true });
  assert.equal(made!.status, 'Success');
});

test('what a message wrote it reads, and it is written in order', async (t) => {
  const { ask } = await opened(t);
  const items = await ask([creating(1, 'here'), asking(locate, { attributes: [nameAttribute('here')] }, item(2))], {
    inOrder: true,
  });
  assert.deepEqual(items[1]!.payload!.as(locate.response).ids, [items[0]!.payload!.as(create.response).id]);
});
