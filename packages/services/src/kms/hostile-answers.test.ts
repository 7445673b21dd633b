import assert from 'node:assert/strict';
import test from 'node:test';
import type { TLSSocket } from 'node:tls';
import { Secret } from '@vouchsafe/bytes/secret';
import type { KeyServer } from '@vouchsafe/kmip/client/client';
import { KmipError } from '@vouchsafe/kmip/error';
import { limits } from '@vouchsafe/kmip/limits';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { addAttribute } from '@vouchsafe/kmip/operations/add-attribute';
import { createKeyPair } from '@vouchsafe/kmip/operations/create-key-pair';
import { decrypt } from '@vouchsafe/kmip/operations/decrypt';
import { encrypt } from '@vouchsafe/kmip/operations/encrypt';
import { get } from '@vouchsafe/kmip/operations/get';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import type { ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { reKey } from '@vouchsafe/kmip/operations/re-key';
import { register } from '@vouchsafe/kmip/operations/register';
import { sign } from '@vouchsafe/kmip/operations/sign';
import { respond, type Script } from '@vouchsafe/kmip/testing/fake-server';
import type { Item } from '@vouchsafe/kmip/ttlv/item';
import { bound } from '@vouchsafe/kmip/ttlv/lazy';
import { clientOf, failsWith, fake, honest, keyPayload, trusted } from './testing/fake-peer.ts';

const versions = [{ major: 1, minor: 4 }];
const secret = (octets: number) => Secret.take(new Uint8Array(octets).fill(5));
const octets = (length: number) => new Uint8Array(length).fill(6);
const lie =
  <T>(of: Item<T>, value: T): Script =>
  (request) =>
    respond(request, { payload: bound(of, value) });

const wrapped = (
  change: { method?: 'Encrypt'; key?: string; mode?: 'NISTKeyWrap' | 'CBC'; length?: number; plain?: boolean } = {},
): ResponseOf<typeof get> => {
  const { key = 'kek', mode = 'NISTKeyWrap', length = 40, plain = false } = change;
  const wrapping = {
    method: 'Encrypt' as const,
    encryption: { id: key, parameters: { mode } },
    encoding: 'No Encoding' as const,
  };
  const value = plain ? { material: secret(32), attributes: [] } : { wrapped: secret(length) };
  const block = {
    format: 'Raw' as const,
    value,
    algorithm: 'AES' as const,
    length: 256,
    ...(plain ? {} : { wrapping }),
  };
  return { objectType: 'Symmetric Key', id: 'a', object: { type: 'Symmetric Key', block } };
};
const getWrapped = (client: KeyServer) =>
  client.getWrapped('a', { wrappingKey: 'kek' }, { algorithm: 'AES', length: 256 });
const pair = (client: KeyServer) =>
  client.createKeyPair({
    algorithm: 'RSA',
    length: 2048,
    privateKey: { usage: ['Sign'] },
    publicKey: { usage: ['Verify'] },
  });
const registered = (client: KeyServer) =>
  client.register({ object: { type: 'Opaque Object', opaqueType: '0x80000001', value: secret(8) } });
const ciphertext = { data: octets(32), iv: octets(12), tag: octets(16) };

/** What a server says, and what the client asked. */
const lies: Record<string, [(client: KeyServer) => Promise<unknown>, Script, RegExp]> = {
  'the attributes of another object': [
    (client) => client.getAttributes('a'),
    lie(getAttributes.response, { id: 'b', attributes: [] }),
    /answered about another/,
  ],
  'that another object was activated': [
    (client) => client.activate('a'),
    lie(activate.response, { id: 'b' }),
    /answered about another/,
  ],
  'that another object got the attribute': [
    (client) => client.addAttribute('a', { name: 'Contact Information', value: 'x' }),
    lie(addAttribute.response, { id: 'b', attribute: { name: 'Contact Information', value: 'x' } }),
    /answered about another/,
  ],
  'more objects than can be': [
    (client) => client.locate({}),
    (request) =>
      respond(request, { payload: { as: never, write: (writer) => writer.put(locatedItems(limits.located + 1)) } }),
    /more than 1000/,
  ],
  'a new object without id': [registered, lie(register.response, { id: '' }), /has no id/],
  'the old key as the new one': [(client) => client.reKey('a'), lie(reKey.response, { id: 'a' }), /id of the old one/],
  'one id for two keys': [
    pair,
    lie(createKeyPair.response, { privateKeyId: 'k', publicKeyId: 'k' }),
    /both keys have the same id/,
  ],
  'a key in the clear that was to be wrapped': [
    getWrapped,
    lie(get.response, wrapped({ plain: true })),
    /is not wrapped/,
  ],
  'a key wrapped with another one': [getWrapped, lie(get.response, wrapped({ key: 'mine' })), /with another key/],
  'a key wrapped otherwise': [getWrapped, lie(get.response, wrapped({ mode: 'CBC' })), /wrapped by CBC/],
  'a wrapped key that is too short': [getWrapped, lie(get.response, wrapped({ length: 24 })), /has 40 octets, 24 came/],
  'less ciphertext than there was plaintext': [
    (client) => client.encrypt('a', secret(32)),
    lie(encrypt.response, { id: 'a', data: octets(16), iv: octets(12), tag: octets(16) }),
    /32 octets were to be encrypted, 16 came/,
  ],
  'a short tag': [
    (client) => client.encrypt('a', secret(32)),
    lie(encrypt.response, { id: 'a', data: octets(32), iv: octets(12), tag: octets(4) }),
    /a tag of 16 octets was asked for, 4 came/,
  ],
  'no tag': [
    (client) => client.encrypt('a', secret(32)),
    lie(encrypt.response, { id: 'a', data: octets(32), iv: octets(12) }),
    /a tag of 16 octets was asked for, 0 came/,
  ],
  'no IV': [
    (client) => client.encrypt('a', secret(32)),
    lie(encrypt.response, { id: 'a', data: octets(32), tag: octets(16) }),
    /no IV came/,
  ],
  'another IV': [
    (client) => client.encrypt('a', secret(32), { iv: octets(12) }),
    lie(encrypt.response, { id: 'a', data: octets(32), iv: new Uint8Array(12), tag: octets(16) }),
    /another IV/,
  ],
  'no ciphertext': [
    (client) => client.encrypt('a', secret(32)),
    lie(encrypt.response, { id: 'a', iv: octets(12), tag: octets(16) }),
    /0 came/,
  ],
  'a plaintext of another length': [
    (client) => client.decrypt('a', ciphertext),
    lie(decrypt.response, { id: 'a', data: secret(31) }),
    /32 octets were given, 31 came/,
  ],
  'no plaintext': [(client) => client.decrypt('a', ciphertext), lie(decrypt.response, { id: 'a' }), /no data came/],
  'no signature': [
    (client) => client.sign('a', octets(4), { signatureAlgorithm: 'SHA-256 with RSA Encryption' }),
    lie(sign.response, { id: 'a' }),
    /no signature came/,
  ],
  'no batch item': [
    (client) => client.get('a'),
    (request) => withoutItems(respond(request, keyPayload(), { batchCount: 0 })),
    /0 came, 0 announced/,
  ],
  'the identifier twice': [
    (client) => client.activate('a'),
    (request) => respond(request, { payload: { as: never, write: (writer) => writer.put(locatedItems(2)) } }),
    /repeated/,
  ],
};

for (const [what, [act, script, words]] of Object.entries(lies))
  test(`a server that answers with ${what} is not believed`, async (t) => {
    const client = clientOf(t, [await fake(t, script, { versions })]);
    await assert.rejects(act(client), failsWith('answer.invalid', words));
  });

test('the same operations succeed with honest answers', async (t) => {
  const honestly: [(client: KeyServer) => Promise<unknown>, Script][] = [
    [registered, lie(register.response, { id: 'new' })],
    [(client) => client.reKey('a'), lie(reKey.response, { id: 'b' })],
    [pair, lie(createKeyPair.response, { privateKeyId: 'k', publicKeyId: 'p' })],
    [getWrapped, lie(get.response, wrapped())],
    [(client) => client.encrypt('a', secret(32)), lie(encrypt.response, { id: 'a', ...ciphertext })],
    [(client) => client.decrypt('a', ciphertext), (r, n) => lie(decrypt.response, { id: 'a', data: secret(32) })(r, n)],
    [(client) => client.activate('a'), lie(activate.response, { id: 'a' })],
  ];
  for (const [act, script] of honestly) await act(clientOf(t, [await fake(t, script, { versions })]));
});

test('a ciphertext whose tag is missing is not sent for decryption', async (t) => {
  const started = await fake(t, honest, { versions });
  await assert.rejects(clientOf(t, [started]).decrypt('a', { ...ciphertext, tag: undefined }), TypeError);
  assert.deepEqual(started.seen, []);
});

/** Writes as fast as the client reads, until it reads no more. */
function flood(socket: TLSSocket, octetsOnce: Uint8Array): void {
  const more = () => {
    for (let i = 0; i < 1000 && !socket.destroyed; i++)
      if (!socket.write(octetsOnce)) return void socket.once('drain', more);
    if (!socket.destroyed) setImmediate(more);
  };
  more();
}

const header = (length: number) => Buffer.from(`42007b01${length.toString(16).padStart(8, '0')}`, 'hex');

test('an answer without end is not kept: no more than one message of it is read', async (t) => {
  let sent = () => 0;
  const script: Script = () => (socket) => {
    sent = () => socket.bytesWritten;
    socket.write(header(limits.message - 8));
    flood(socket, new Uint8Array(16_384));
  };
  await assert.rejects(clientOf(t, [await fake(t, script)]).get('a'), failsWith('answer.invalid'));
  // What the kernel buffers on both sides comes on top.
  assert.ok(sent() < 16 * limits.message, `${sent()} octets were sent`);
});

test('an answer that drips ends with the deadline, however lively it is', { timeout: 10_000 }, async (t) => {
  const script: Script = () => (socket) => {
    socket.write(header(800));
    const timer = setInterval(() => socket.write(Uint8Array.of(0x42)), 20);
    socket.once('close', () => clearInterval(timer));
  };
  const client = clientOf(t, [await fake(t, script)], trusted, { tryTimeout: 300, timeout: 300 });
  await assert.rejects(client.get('a'), failsWith('server.timeout'));
});

test('a connection that ends in the middle of an answer gives nothing of it', async (t) => {
  const script: Script = (request) => (socket) => {
    const whole = respond(request, keyPayload());
    socket.end(whole.subarray(0, whole.length - 8));
  };
  await assert.rejects(clientOf(t, [await fake(t, script)]).get('a'), failsWith('server.unreachable'));
});

test('an answer to nothing ends the connection, and is no answer to the next request', async (t) => {
  let push = () => {};
  const script: Script = (request, n) => (socket) => {
    const answer = respond(request, keyPayload());
    push = () => void socket.write(answer);
    socket.write(respond(request, keyPayload(n === 1 ? {} : { id: 'b' })));
  };
  const started = await fake(t, script);
  const client = clientOf(t, [started]);
  (await client.get('a'))[Symbol.dispose]();
  push();
  await new Promise((resolve) => setTimeout(resolve, 50));
  (await client.get('b'))[Symbol.dispose]();
  assert.equal(started.connections(), 2);
});

test('a server that talks before it is asked is left', async (t) => {
  const started = await fake(t, honest);
  const talking = await fake(t, () => 'silence', { greeting: header(8) });
  const client = clientOf(t, [talking, started], trusted, { tryTimeout: 500 });
  (await client.get('a'))[Symbol.dispose]();
});

test('every answer cut short and every one with one bit turned is refused, or says the same', async (t) => {
  let octetsOf: (whole: Buffer) => Buffer = (whole) => whole;
  const script: Script = (request) => (socket) => void socket.end(octetsOf(respond(request, keyPayload())));
  const started = await fake(t, script);
  const client = clientOf(t, [started], trusted, { version: { major: 1, minor: 1 }, breaker: { failures: 1e9 } });
  const length = 296;
  let [refused, taken] = [0, 0];
  for (let at = 0; at < length; at += 3) {
    for (const change of [
      (whole: Buffer) => whole.subarray(0, at),
      (whole: Buffer) => {
        whole[at % whole.length]! ^= 1 << (at % 8);
        return whole;
      },
    ]) {
      octetsOf = change;
      try {
        using key = await client.get('a', { algorithm: 'AES', length: 256 });
        assert.equal(key.id, 'a');
        assert.equal(key.length, 256);
        taken++;
      } catch (error) {
        assert.ok(error instanceof KmipError, String(error));
        refused++;
      }
    }
  }
  assert.ok(refused > taken, `${refused} refused, ${taken} taken`);
});

/** A payload that is a list of Unique Identifiers. */
function locatedItems(count: number): Buffer {
  const items = Array.from({ length: count }, (_, i) =>
    Buffer.concat([Buffer.from('4200940700000004', 'hex'), Buffer.from(String(i).padStart(4, '0')), Buffer.alloc(4)]),
  );
  const body = Buffer.concat(items);
  return Buffer.concat([Buffer.from(`42007c01${body.length.toString(16).padStart(8, '0')}`, 'hex'), body]);
}

/** Takes the batch items out of a message. */
function withoutItems(message: Buffer): Buffer {
  const length = 8 + message.readUInt32BE(12);
  const out = Buffer.from(message.subarray(0, 8 + length));
  out.writeUInt32BE(length, 4);
  return out;
}

function never(): never {
  throw new TypeError('only written');
}
