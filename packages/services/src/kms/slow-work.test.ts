import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import { create } from '@vouchsafe/kmip/operations/create';
import { deriveKey } from '@vouchsafe/kmip/operations/derive-key';
import { get } from '@vouchsafe/kmip/operations/get';
import { locate } from '@vouchsafe/kmip/operations/locate';
import { register } from '@vouchsafe/kmip/operations/register';
import { revoke } from '@vouchsafe/kmip/operations/revoke';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import type { ClientFiles } from './clients.ts';
import { kmsFixture } from './testing/fixture.ts';
import { type RawClient, rawClient } from './testing/raw-client.ts';

const aes = (mask: number): Attribute[] => [
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 256 },
  { name: 'Cryptographic Usage Mask', value: mask },
];
const [encrypts, derives] = [12, 0x200];
const numbered = (n: number) => Uint8Array.of(n >> 8, n & 255);

const creating = (n: number, attributes = aes(encrypts)) =>
  asking(create, { objectType: 'Symmetric Key', template: { names: [], attributes } }, numbered(n));

const deriving = (n: number, id: string, iterations: number) =>
  asking(
    deriveKey,
    {
      objectType: 'Symmetric Key',
      ids: [id],
      method: 'PBKDF2',
      parameters: { cryptographic: { hash: 'SHA-512' }, salt: new Uint8Array(8), iterations },
      template: { names: [], attributes: aes(encrypts) },
    },
    numbered(n),
  );

/** A key that others are derived from. */
const registering = (fill: number) =>
  asking(register, {
    objectType: 'Symmetric Key',
    template: { names: [], attributes: [...aes(derives), { name: 'Activation Date', value: new Date(0) }] },
    object: {
      type: 'Symmetric Key',
      block: {
        format: 'Raw',
        value: { material: Secret.take(new Uint8Array(32).fill(fill)), attributes: [] },
        algorithm: 'AES',
        length: 256,
      },
    },
  });

async function opened(t: TestContext) {
  const fixture = await kmsFixture();
  t.after(fixture.close);
  const files = { a: await fixture.addClient('a'), b: await fixture.addClient('b') };
  const connected = async (of: ClientFiles) => {
    const client = await rawClient(fixture.kms.address.port, of);
    t.after(client.close);
    return client;
  };
  return { a: await connected(files.a), b: await connected(files.b), again: () => connected(files.a) };
}

async function registered(client: RawClient, fill: number): Promise<string> {
  const { items } = await client.ask(requestMessage([registering(fill)]));
  assert.equal(items[0]?.status, 'Success', items[0]?.message);
  return items[0].payload!.as(register.response).id;
}

async function materialOf(client: RawClient, id: string): Promise<string> {
  const { items } = await client.ask(requestMessage([asking(get, { id })]));
  const { object } = items[0]!.payload!.as(get.response);
  assert.ok(object.type === 'Symmetric Key' && object.block.value !== undefined && 'material' in object.block.value);
  assert.ok(object.block.value.material instanceof Secret);
  return object.block.value.material.use((octets) => Buffer.from(octets).toString('hex'));
}

test('a batch that changes something and derives slowly keeps nobody else from writing', async (t) => {
  const { a, b } = await opened(t);
  const base = await registered(a, 1);
  const order: string[] = [];
  const slow = a
    .ask(requestMessage([creating(0), deriving(1, base, 400_000), deriving(2, base, 400_000), deriving(3, base, 1000)]))
    .then(({ items }) => {
      order.push('a');
      return items;
    });
  for (let i = 0; i < 3; i++) await b.ask(requestMessage([creating(i)]));
  order.push('b');
  const items = await slow;
  assert.deepEqual(order, ['b', 'a']);
  assert.deepEqual(
    items.map(({ status }) => status),
    ['Success', 'Success', 'Success', 'Success'],
  );
  const keys: string[] = [];
  for (const { payload } of items.slice(1)) keys.push(await materialOf(a, payload!.as(deriveKey.response).id));
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[0], keys[2]);
});

test('slow work of one operation is never taken for that of another when the message is carried out again', async (t) => {
  const { a, again } = await opened(t);
  const [one, two] = [await registered(a, 1), await registered(a, 2)];
  const alone = await a.ask(requestMessage([deriving(0, two, 400_000)]));
  const expected = await materialOf(a, alone.items[0]!.payload!.as(deriveKey.response).id);
  const both = a.ask(requestMessage([deriving(1, one, 400_000), deriving(2, two, 400_000)], { onError: 'Continue' }));
  const other = await again();
  // While the first derivation is under way: the second time, it is refused.
  const gone = await other.ask(
    requestMessage([asking(revoke, { id: one, reason: { code: 'Cessation of Operation' } })]),
  );
  assert.equal(gone.items[0]?.status, 'Success');
  const { items } = await both;
  assert.deepEqual(
    items.map(({ status }) => status),
    ['Operation Failed', 'Success'],
  );
  assert.equal(await materialOf(a, items[1]!.payload!.as(deriveKey.response).id), expected);
});

test('a batch that fetches a large object many times gets as much as one answer may hold', async (t) => {
  const { a } = await opened(t);
  const object = {
    type: 'Opaque Object',
    opaqueType: '0x80000001',
    value: Secret.take(new Uint8Array(700_000)),
  } as const;
  const made = await a.ask(
    requestMessage([
      asking(register, { objectType: 'Opaque Object', template: { names: [], attributes: [] }, object }),
    ]),
  );
  const { id } = made.items[0]!.payload!.as(register.response);
  a.socket.removeAllListeners('data');
  let head: Buffer | undefined;
  const chunks: Buffer[] = [];
  const announced = new Promise<number>((resolve) =>
    a.socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      head ??= Buffer.concat(chunks).subarray(0, 8);
      resolve(head.readUInt32BE(4));
    }),
  );
  a.send(requestMessage(Array.from({ length: 256 }, (_, n) => asking(get, { id }, numbered(n)))));
  const octets = await announced;
  assert.ok(octets > 1_400_000 && octets < 1_600_000, `${octets}`);
});

test('a search through everything lets others have their turns', async (t) => {
  const { a, b } = await opened(t);
  for (let i = 0; i < 8; i++) await a.ask(requestMessage(Array.from({ length: 256 }, (_, n) => creating(n))));
  const order: string[] = [];
  const none: Attribute[] = [{ name: 'Cryptographic Length', value: 128 }];
  const searched = a
    .ask(requestMessage(Array.from({ length: 40 }, (_, n) => asking(locate, { attributes: none }, numbered(n)))))
    .then(() => order.push('a'));
  await b.ask(requestMessage([asking(locate, { attributes: [] })]));
  order.push('b');
  await searched;
  assert.deepEqual(order, ['b', 'a']);
});
