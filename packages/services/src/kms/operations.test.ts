import assert from 'node:assert/strict';
import { createCipheriv, createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { Secret } from '@vouchsafe/bytes/secret';
import type { AnyValue, Attribute } from '@vouchsafe/kmip/attribute';
import type { KeyWrappingSpecification } from '@vouchsafe/kmip/key-wrapping';
import { keyOctets, type ManagedObject } from '@vouchsafe/kmip/managed-object';
import { encodeItem } from '@vouchsafe/kmip/ttlv/item';
import { text } from '@vouchsafe/kmip/ttlv/scalars';
import { type Asker, asker } from './testing/asking.ts';
import { type KmsFixture, kmsFixture } from './testing/fixture.ts';

/** The certificates of the clients are valid from the real time on. */
const start = Math.ceil(Date.now() / 1000) * 1000;

interface Server extends KmsFixture {
  /** Moves the server's clock. */
  advance(seconds: number): void;
  at(seconds: number): Date;
}

async function serverWith(t: TestContext, ...names: string[]): Promise<{ server: Server; clients: Asker[] }> {
  let now = start;
  const fixture = await kmsFixture({ now: () => new Date(now) });
  const clients: Asker[] = [];
  for (const name of names) clients.push(await asker(fixture, await fixture.addClient(name)));
  t.after(async () => {
    for (const client of clients) client[Symbol.dispose]();
    await fixture.close();
  });
  const advance = (seconds: number) => {
    now += seconds * 1000;
  };
  return {
    server: Object.assign(fixture, { advance, at: (seconds: number) => new Date(start + seconds * 1000) }),
    clients,
  };
}

const masks = { Encrypt: 4, Decrypt: 8, Wrap: 0x10, Unwrap: 0x20, Derive: 0x200 } as const;
const past: Attribute = { name: 'Activation Date', value: new Date(start - 3_600_000) };
const revoked = { code: 'Cessation of Operation' } as const;
const compromised = { code: 'Key Compromise' } as const;

const symmetric = (octets: Uint8Array): ManagedObject => ({
  type: 'Symmetric Key',
  block: {
    format: 'Raw',
    value: { material: Secret.take(Uint8Array.from(octets)), attributes: [] },
    algorithm: 'AES',
    length: octets.length * 8,
  },
});

const register = async (client: Asker, object: ManagedObject, attributes: Attribute[]) =>
  (await client.ask('Register', { objectType: object.type, template: { names: [], attributes }, object })).id;

const mask = (value: number): Attribute => ({ name: 'Cryptographic Usage Mask', value });

const fetched = (object: ManagedObject): string =>
  keyOctets(object)!.use((octets) => Buffer.from(octets).toString('hex'));

const wrappingBy = (id: string, more: Partial<KeyWrappingSpecification> = {}): KeyWrappingSpecification => ({
  method: 'Encrypt',
  encryption: { id, parameters: { mode: 'NISTKeyWrap' } },
  attributeNames: [],
  encoding: 'No Encoding',
  ...more,
});

test('dates lead a key through its life: at the second at which they are reached, and at once when they are in the past', async (t) => {
  const { server, clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const id = await client.aes([
    { name: 'Activation Date', value: server.at(10) },
    { name: 'Deactivation Date', value: server.at(20) },
  ]);
  const states: unknown[] = [];
  for (const seconds of [9, 1, 9, 1]) {
    server.advance(seconds);
    states.push(await client.value(id, 'State'));
  }
  assert.deepEqual(states, ['Pre-Active', 'Active', 'Active', 'Deactivated']);
  const other = await client.aes([{ name: 'Activation Date', value: server.at(1000) }]);
  await client.ask('Modify Attribute', { id: other, attribute: { name: 'Activation Date', value: server.at(0) } });
  assert.equal(await client.value(other, 'State'), 'Active');
  const denied = { id: other, attribute: { name: 'Activation Date', value: server.at(50) } } as const;
  assert.equal(await client.refused('Modify Attribute', denied), 'Permission Denied');
  await client.ask('Add Attribute', { id: other, attribute: { name: 'Deactivation Date', value: server.at(1) } });
  assert.equal(await client.value(other, 'State'), 'Deactivated');
});

test('Get of a key in each state, and of one that is not there', async (t) => {
  const { clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const id = await client.aes();
  const key = fetched((await client.ask('Get', { id })).object);
  await client.ask('Activate', { id });
  assert.equal(await client.refused('Destroy', { id }), 'Permission Denied');
  await client.ask('Revoke', { id, reason: revoked });
  assert.equal(fetched((await client.ask('Get', { id })).object), key);
  await client.ask('Revoke', { id, reason: compromised });
  assert.equal(fetched((await client.ask('Get', { id })).object), key);
  await client.ask('Destroy', { id });
  for (const each of [id, 'none', '', '../../etc/passwd', '*', `${id}'--`, `${id}\u200b`])
    assert.equal(await client.refused('Get', { id: each }), 'Item Not Found', each);
  assert.equal(await client.value(id, 'State'), 'Destroyed Compromised');
});

test('a key leaves wrapped only under a wrapping key that may wrap now, is visible, and is another one', async (t) => {
  const { clients } = await serverWith(t, 'one', 'two');
  const [client, other] = clients as [Asker, Asker];
  const id = await register(client, symmetric(Buffer.from('00112233445566778899aabbccddeeff', 'hex')), [mask(4)]);
  const kekOctets = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
  const kek = await register(client, symmetric(kekOctets), [mask(masks.Wrap)]);
  const wrap = (by: string, more?: Partial<KeyWrappingSpecification>) =>
    client.refused('Get', { id, wrapping: wrappingBy(by, more) });
  assert.equal(await wrap(kek), 'Permission Denied', 'Pre-Active');
  await client.ask('Activate', { id: kek });
  const { object } = await client.ask('Get', { id, wrapping: wrappingBy(kek) });
  assert.ok('block' in object && object.block.value !== undefined && 'wrapped' in object.block.value);
  const octets = object.block.value.wrapped.use((bytes) => Buffer.from(bytes).toString('hex'));
  assert.equal(octets, '1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5', 'RFC 3394, 4.1');
  assert.equal(object.block.wrapping?.encryption?.id, kek);
  assert.equal(await wrap('none'), 'Item Not Found');
  assert.equal(await wrap(await other.aes([past], masks.Wrap)), 'Item Not Found', "another scope's key");
  assert.equal(await wrap(await client.aes([past], masks.Encrypt)), 'Permission Denied', 'no Wrap Key in its mask');
  assert.equal(await wrap(id), 'Illegal Operation', 'itself');
  const opaque: ManagedObject = {
    type: 'Opaque Object',
    opaqueType: '0x80000001',
    value: Secret.take(randomBytes(16)),
  };
  assert.equal(await wrap(await register(client, opaque, [])), 'Illegal Operation', 'no key at all');
  assert.equal(await wrap(kek, { attributeNames: ['State'] }), 'Encoding Option Error');
  assert.equal(await wrap(kek, { method: 'MAC/sign' }), 'Feature Not Supported');
  await client.ask('Revoke', { id: kek, reason: revoked });
  assert.equal(await wrap(kek), 'Permission Denied', 'Deactivated');
});

test('what is sensitive leaves wrapped only, what is not extractable never, and neither is taken back', async (t) => {
  const { clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const kek = await client.aes([past], masks.Wrap);
  const sensitive = await client.aes([{ name: 'Sensitive', value: true }]);
  assert.equal(await client.refused('Get', { id: sensitive }), 'Sensitive');
  assert.equal(await client.refused('Export', { id: sensitive }), 'Sensitive');
  await client.ask('Get', { id: sensitive, wrapping: wrappingBy(kek) });
  assert.equal(await client.value(sensitive, 'Always Sensitive'), true);
  const kept = await client.aes([{ name: 'Extractable', value: false }]);
  assert.equal(await client.refused('Get', { id: kept, wrapping: wrappingBy(kek) }), 'Not Extractable');
  const back = [
    [sensitive, { name: 'Sensitive', value: false }],
    [kept, { name: 'Extractable', value: true }],
  ] as const;
  for (const [id, attribute] of back)
    assert.equal(await client.refused('Modify Attribute', { id, attribute }), 'Permission Denied');
});

test('an object of another scope and one that does not exist get the same answer to every operation', async (t) => {
  const { clients } = await serverWith(t, 'one', 'two');
  const [client, other] = clients as [Asker, Asker];
  const name: Attribute = { name: 'Name', value: { value: 'mine', type: 'Uninterpreted Text String' } };
  const id = await client.aes([name, past]);
  const attribute: Attribute = { name: 'x-a', value: { type: 'Text String', value: 'b' } };
  const data = () => Secret.take(randomBytes(16));
  const mode = { mode: 'ECB' } as const;
  const attempts = (of: string) => [
    () => other.ask('Get', { id: of }),
    () => other.ask('Export', { id: of }),
    () => other.ask('Get Attributes', { id: of, names: [] }),
    () => other.ask('Get Attribute List', { id: of }),
    () => other.ask('Add Attribute', { id: of, attribute }),
    () => other.ask('Modify Attribute', { id: of, attribute }),
    () => other.ask('Delete Attribute', { id: of, name: 'x-a' }),
    () => other.ask('Activate', { id: of }),
    () => other.ask('Revoke', { id: of, reason: revoked }),
    () => other.ask('Destroy', { id: of }),
    () => other.ask('Check', { id: of }),
    () => other.ask('Re-key', { id: of }),
    () => other.ask('Re-key Key Pair', { privateKeyId: of }),
    () => other.ask('Obtain Lease', { id: of }),
    () => other.ask('Get Usage Allocation', { id: of, count: 1n }),
    () => other.ask('Encrypt', { id: of, parameters: mode, data: data() }),
    () => other.ask('Decrypt', { id: of, parameters: mode, data: randomBytes(16) }),
    () => other.ask('Sign', { id: of, data: randomBytes(16) }),
    () => other.ask('Signature Verify', { id: of, data: randomBytes(16), signature: randomBytes(16) }),
    () => other.ask('MAC', { id: of, data: randomBytes(16) }),
    () => other.ask('MAC Verify', { id: of, data: randomBytes(16), mac: randomBytes(32) }),
    () =>
      other.ask('Derive Key', {
        objectType: 'Symmetric Key',
        ids: [of],
        method: 'HASH',
        parameters: {},
        template: { names: [], attributes: [mask(4), ...aes128] },
      }),
  ];
  const said = async (of: string) => {
    const answers: string[] = [];
    for (const each of attempts(of))
      answers.push(
        await each().then(
          () => 'done',
          (error: Error) => error.message,
        ),
      );
    return answers;
  };
  const foreign = await said(id);
  assert.deepEqual(foreign, await said('no-such-object'));
  assert.deepEqual(new Set(foreign), new Set(['Item Not Found: no such object']));
  assert.deepEqual((await other.ask('Locate', { attributes: [name] })).ids, []);
  assert.equal(await client.value(id, 'State'), 'Active', 'nothing happened to it');
});

const aes128: Attribute[] = [
  { name: 'Cryptographic Algorithm', value: 'AES' },
  { name: 'Cryptographic Length', value: 128 },
];

test('of clients that end a key at the same moment each once, exactly one succeeds', async (t) => {
  const { server } = await serverWith(t);
  const files = await server.addClient('many');
  const clients = await Promise.all(Array.from({ length: 6 }, () => asker(server, files)));
  t.after(() => clients.forEach((each) => void each[Symbol.dispose]()));
  const [first] = clients as [Asker];
  const id = await first.aes();
  const outcomes = async (act: (client: Asker) => Promise<unknown>) =>
    (await Promise.allSettled(clients.map(act))).filter(({ status }) => status === 'fulfilled').length;
  assert.equal(await outcomes((client) => client.ask('Activate', { id })), 1);
  assert.equal(await outcomes((client) => client.ask('Revoke', { id, reason: revoked })), 1);
  assert.equal(await outcomes((client) => client.ask('Destroy', { id })), 1);
  const limited = await first.aes([past, { name: 'Usage Limits', value: { total: 3n, unit: 'Object' } }]);
  const once = () => ({ id: limited, parameters: { mode: 'ECB' as const }, data: Secret.take(randomBytes(16)) });
  assert.equal(await outcomes((client) => client.ask('Encrypt', once())), 3, 'three uses, not one more');
});

test('attributes of the server, single ones, the last and those that do not stand there are refused as the standard says', async (t) => {
  const { clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const id = await client.aes([{ name: 'Contact Information', value: 'who' }]);
  const text = (value: string): AnyValue => ({ type: 'Text String', value });
  const add: [Attribute, string][] = [
    [{ name: 'State', value: 'Active' }, 'Permission Denied'],
    [{ name: 'Unique Identifier', value: 'mine' }, 'Permission Denied'],
    [{ name: 'Digest', value: { algorithm: 'SHA-256' } }, 'Permission Denied'],
    [{ name: 'y-theirs', value: text('no') }, 'Permission Denied'],
    [{ name: 'Contact Information', value: 'another' }, 'Illegal Operation'],
    [{ name: 'x-a', index: 3, value: text('b') }, 'Invalid Field'],
    [{ name: `x-${'a'.repeat(300)}`, value: text('b') }, 'Invalid Field'],
  ];
  for (const [attribute, reason] of add)
    assert.equal(await client.refused('Add Attribute', { id, attribute }), reason, attribute.name);
  const modify: [Attribute, string][] = [
    [{ name: 'Cryptographic Length', value: 128 }, 'Permission Denied'],
    [{ name: 'Initial Date', value: new Date(0) }, 'Permission Denied'],
    [{ name: 'x-none', value: text('b') }, 'Item Not Found'],
    [{ name: 'Contact Information', index: 4, value: 'other' }, 'Index Out of Bounds'],
  ];
  for (const [attribute, reason] of modify)
    assert.equal(await client.refused('Modify Attribute', { id, attribute }), reason, attribute.name);
  for (const [name, reason] of [
    ['Cryptographic Usage Mask', 'Permission Denied'],
    ['State', 'Permission Denied'],
    ['Name', 'Item Not Found'],
  ] as const)
    assert.equal(await client.refused('Delete Attribute', { id, name }), reason, name);
  for (let i = 0; i < 200; i++) {
    const reason = await client.refused('Add Attribute', { id, attribute: { name: 'x-many', value: text(`${i}`) } });
    if (reason === undefined) continue;
    assert.equal(reason, 'Permission Denied');
    assert.ok(i > 50, `${i} attributes fit`);
    return;
  }
  assert.fail('an object takes any number of attributes');
});

test('custom attributes of every type come back as they were, several of a name with their indices, and find their object', async (t) => {
  const { clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const values: AnyValue[] = [
    { type: 'Text String', value: 'text' },
    { type: 'Integer', value: -5 },
    { type: 'Long Integer', value: 2n ** 60n },
    { type: 'Big Integer', value: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7) },
    { type: 'Enumeration', value: 0x80000001 },
    { type: 'Boolean', value: true },
    { type: 'Byte String', value: Uint8Array.of(1, 2, 3) },
    { type: 'Date-Time', value: new Date(start) },
    { type: 'Interval', value: 4_000_000_000 },
    { type: 'Structure', value: encodeItem(text('Name Value', 16), 'inside') },
  ];
  const id = await client.aes(values.map((value, i) => ({ name: `x-of-${i}`, value })));
  await client.aes(values.map((_, i) => ({ name: `x-of-${i}`, value: { type: 'Text String', value: 'other' } })));
  for (const [i, value] of values.entries()) {
    const attribute: Attribute = { name: `x-of-${i}`, value };
    const told = (await client.value(id, attribute.name)) as AnyValue;
    const plain = (of: AnyValue) => ({
      type: of.type,
      value: of.value instanceof Uint8Array ? Buffer.from(of.value) : of.value,
    });
    assert.deepEqual(plain(told), plain(value));
    assert.deepEqual((await client.ask('Locate', { attributes: [attribute] })).ids, [id], value.type);
  }
  for (const value of ['one', 'two', 'three'])
    await client.ask('Add Attribute', { id, attribute: { name: 'x-list', value: { type: 'Text String', value } } });
  await client.ask('Delete Attribute', { id, name: 'x-list', index: 1 });
  const changed: Attribute = { name: 'x-list', index: 2, value: { type: 'Text String', value: 'last' } };
  await client.ask('Modify Attribute', { id, attribute: changed });
  const { attributes } = await client.ask('Get Attributes', { id, names: ['x-list'] });
  assert.deepEqual(
    attributes?.map(({ index, value }) => [index, (value as AnyValue).value]),
    [
      [undefined, 'one'],
      [2, 'last'],
    ],
  );
});

test('a key is used only for what its mask, its state, its dates and its limits allow', async (t) => {
  const { server, clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const parameters = { mode: 'CBC', padding: 'PKCS5', randomIv: true } as const;
  const encrypt = (id: string) => ({ id, parameters, data: Secret.take(Uint8Array.from(Buffer.from('secret'))) });
  const id = await client.aes([], masks.Encrypt | masks.Decrypt);
  assert.equal(await client.refused('Encrypt', encrypt(id)), 'Permission Denied', 'Pre-Active');
  await client.ask('Activate', { id });
  const { data, iv } = await client.ask('Encrypt', encrypt(id));
  const opens = () => client.ask('Decrypt', { id, parameters, data, iv });
  const text = async () => (await opens()).data!.use((octets) => Buffer.from(octets).toString());
  assert.equal(await text(), 'secret');
  for (const [reason, state] of [
    [revoked, 'Deactivated'],
    [compromised, 'Compromised'],
  ] as const) {
    await client.ask('Revoke', { id, reason });
    assert.equal(await client.value(id, 'State'), state);
    assert.equal(await client.refused('Encrypt', encrypt(id)), 'Permission Denied', state);
    assert.equal(await text(), 'secret', state);
  }
  const onlyEncrypts = await client.aes([past], masks.Encrypt);
  const other = await client.ask('Encrypt', encrypt(onlyEncrypts));
  const wrong = { id: onlyEncrypts, parameters, data: other.data, iv: other.iv };
  assert.equal(await client.refused('Decrypt', wrong), 'Permission Denied', 'not in the mask');
  const dated = await client.aes([past, { name: 'Protect Stop Date', value: server.at(10) }], masks.Encrypt);
  await client.ask('Encrypt', encrypt(dated));
  server.advance(10);
  assert.equal(await client.refused('Encrypt', encrypt(dated)), 'Permission Denied', 'Protect Stop Date');
});

test('a replacement takes over names and dates, both are linked, and there is one only', async (t) => {
  const { server, clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const name: Attribute = { name: 'Name', value: { value: 'the key', type: 'Uninterpreted Text String' } };
  const old = await client.aes([name, past, { name: 'Deactivation Date', value: server.at(3600) }]);
  const { id } = await client.ask('Re-key', { id: old, offset: 60 });
  assert.deepEqual(await client.value(id, 'Activation Date'), server.at(60));
  assert.deepEqual(await client.value(id, 'Deactivation Date'), server.at(60 + 7200), 'moved along');
  assert.deepEqual((await client.ask('Locate', { attributes: [name] })).ids, [id]);
  assert.deepEqual(await client.value(old, 'Link'), { type: 'Replacement Object Link', id });
  assert.deepEqual(await client.value(id, 'Link'), { type: 'Replaced Object Link', id: old });
  assert.equal(await client.refused('Re-key', { id: old }), 'Illegal Operation');
});

test('a pair signs, is fetched in every format, and a changed or mislabelled key is not registered', async (t) => {
  const { clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const common = { names: [], attributes: [{ name: 'Cryptographic Algorithm', value: 'EC' }, past] as Attribute[] };
  const length: Attribute = { name: 'Cryptographic Length', value: 256 };
  const pair = await client.ask('Create Key Pair', {
    common: { ...common, attributes: [...common.attributes, length] },
    privateKey: { names: [], attributes: [mask(1)] },
    publicKey: { names: [], attributes: [mask(2)] },
  });
  const { privateKeyId, publicKeyId } = pair;
  const data = randomBytes(40);
  const parameters = { hash: 'SHA-256' } as const;
  const { signature } = await client.ask('Sign', { id: privateKeyId, parameters, data });
  const { object } = await client.ask('Get', { id: publicKeyId, format: 'X.509' });
  const spki = keyOctets(object)!.use((octets) => Buffer.from(octets));
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  assert.equal(verify('sha256', data, key, signature!), true, 'OpenSSL agrees');
  for (const format of ['ECPrivateKey', 'PKCS#8', 'Transparent EC Private Key'] as const) {
    const other = await client.ask('Get', { id: privateKeyId, format });
    const again = await register(client, other.object, [mask(1), past]);
    const second = await client.ask('Sign', { id: again, parameters, data });
    assert.equal(verify('sha256', data, key, second.signature!), true, format);
  }
  assert.equal(await client.refused('Get', { id: privateKeyId, format: 'PKCS#1' }), 'Key Format Type Not Supported');
  const changed = (await client.ask('Get', { id: privateKeyId, format: 'PKCS#8' })).object;
  const cut = keyOctets(changed)!.use((octets) => Uint8Array.from(octets.subarray(0, -3)));
  const broken: ManagedObject = {
    type: 'Private Key',
    block: { format: 'PKCS#8', value: { material: Secret.take(cut), attributes: [] } },
  };
  const asRequest = (of: ManagedObject, attributes: Attribute[]) => ({
    objectType: of.type,
    template: { names: [], attributes },
    object: of,
  });
  assert.equal(await client.refused('Register', asRequest(broken, [mask(1)])), 'Invalid Field');
  const lies: Attribute[][] = [
    [mask(4), { name: 'Cryptographic Length', value: 256 }],
    [mask(4), { name: 'Cryptographic Algorithm', value: '3DES' }],
  ];
  for (const each of lies)
    assert.equal(await client.refused('Register', asRequest(symmetric(randomBytes(16)), each)), 'Invalid Field');
});

test('the digest of an object is that of what Get gives', async (t) => {
  const { clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const id = await client.aes();
  const digest = (await client.value(id, 'Digest')) as { value: Uint8Array };
  const key = Buffer.from(fetched((await client.ask('Get', { id })).object), 'hex');
  assert.deepEqual(Buffer.from(digest.value), createHash('sha256').update(key).digest());
});

test('a message that turns out to write is carried out again with the same secrets', async (t) => {
  const { clients } = await serverWith(t, 'one');
  const [client] = clients as [Asker];
  const octets = randomBytes(16);
  const limits: Attribute = { name: 'Usage Limits', value: { total: 64n, unit: 'Byte' } };
  const id = await register(client, symmetric(octets), [mask(masks.Encrypt), past, limits]);
  const plain = randomBytes(16);
  const parameters = { mode: 'ECB' } as const;
  const { data } = await client.ask('Encrypt', { id, parameters, data: Secret.take(Uint8Array.from(plain)) });
  const cipher = createCipheriv('aes-128-ecb', octets, null).setAutoPadding(false);
  assert.deepEqual(Buffer.from(data!), cipher.update(plain));
  const left = (await client.value(id, 'Usage Limits')) as { count: bigint };
  assert.equal(left.count, 48n, 'it was carried out once');
});
