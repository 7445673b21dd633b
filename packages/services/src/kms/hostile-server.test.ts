import assert from 'node:assert/strict';
import test from 'node:test';
import { createAuthority } from '@vouchsafe/domain/x509/authority';
import { fingerprint, parseCertificate, privateKeyPem } from '@vouchsafe/domain/x509/pem';
import type { KmipError } from '@vouchsafe/kmip/error';
import type { RequestMessage } from '@vouchsafe/kmip/message';
import { create } from '@vouchsafe/kmip/operations/create';
import { respond, type Script } from '@vouchsafe/kmip/testing/fake-server';
import { bound } from '@vouchsafe/kmip/ttlv/lazy';
import {
  clientOf,
  failsWith,
  fake,
  honest,
  identity,
  keyPayload,
  server,
  trusted,
  validity,
} from './testing/fake-peer.ts';

const lies: Record<string, [Script, RegExp]> = {
  'another batch item id': [
    (request) => respond(request, { ...keyPayload(), id: new Uint8Array(8) }),
    /another batch item id/,
  ],
  'no batch item id': [(request) => respond(request, { ...keyPayload(), id: undefined }), /another batch item id/],
  'another operation': [
    (request) => respond(request, { ...keyPayload(), operation: 'Activate' }),
    /the answer is to Activate/,
  ],
  'an item too many': [
    (request) => respond(request, keyPayload(), {}, [{ operation: 'Get', status: 'Success' }]),
    /one item was asked for, 2 came/,
  ],
  'a wrong count': [(request) => respond(request, keyPayload(), { batchCount: 2 }), /2 announced/],
  'a version never offered': [
    (request) => respond(request, keyPayload(), { version: { major: 2, minor: 0 } }),
    /answered in 2\.0/,
  ],
  'success without payload': [(request) => respond(request, {}), /without payload/],
  'an answer for later': [(request) => respond(request, { status: 'Operation Pending' }), /Operation Pending/],
  'the key of another object': [(request) => respond(request, keyPayload({ id: 'b' })), /answered about another/],
  'a key shorter than it says': [(request) => respond(request, keyPayload({ octets: 16 })), /256 bits, 128 came/],
  'a shorter key than expected': [
    (request) => respond(request, keyPayload({ octets: 16, length: 128 })),
    /expected AES 256/,
  ],
  'a key of another algorithm': [(request) => respond(request, keyPayload({ algorithm: 'DES' })), /the key is DES/],
  'a body without end': [() => Buffer.from('42007b01fffffff8', 'hex'), /4294967288 bytes announced/],
  'no KMIP at all': [() => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /no KMIP message/],
  'octets after the answer': [
    (request) => Buffer.concat([respond(request, keyPayload()), Buffer.alloc(5)]),
    /octets follow the answer/,
  ],
};

for (const [what, [script, words]] of Object.entries(lies)) {
  test(`a server that answers with ${what} is not believed`, async (t) => {
    const client = clientOf(t, [await fake(t, script)]);
    await assert.rejects(client.get('a', { algorithm: 'AES', length: 256 }), failsWith('answer.invalid', words));
  });
}

test('an honest answer of the same fake server is taken', async (t) => {
  const client = clientOf(t, [await fake(t, honest)]);
  using key = await client.get('a', { algorithm: 'AES', length: 256 });
  assert.ok(key.material.use((octets) => octets.every((octet) => octet === 7)));
});

test("a refusal keeps the server's reason, and its words lose their control characters", async (t) => {
  const script: Script = (request) =>
    respond(request, { status: 'Operation Failed', reason: 'Item Not Found', message: 'gone\u001b[31m' });
  await assert.rejects(clientOf(t, [await fake(t, script)]).get('a'), (error: KmipError) => {
    assert.equal(error.reason, 'Item Not Found');
    assert.equal(error.message, 'Get: Item Not Found: gone [31m');
    return true;
  });
});

test('a server that speaks no common version is named', async (t) => {
  const client = clientOf(t, [await fake(t, honest, { versions: [{ major: 3, minor: 0 }] })]);
  await assert.rejects(client.get('a'), failsWith('version.unsupported', /speaks 3\.0/));
});

test('the best common version is spoken', async (t) => {
  const versions = [0, 2, 4].map((minor) => ({ major: 1, minor }));
  let spoken: RequestMessage['header']['version'] | undefined;
  const script: Script = (request) => {
    spoken = request.header.version;
    return respond(request, keyPayload());
  };
  (await clientOf(t, [await fake(t, script, { versions })]).get('a'))[Symbol.dispose]();
  assert.deepEqual(spoken, { major: 1, minor: 4 });
});

test('a pinned certificate is accepted, another is not, and gets no request', async (t) => {
  const started = await fake(t, honest);
  const pin = fingerprint(parseCertificate(server.certificate));
  (await clientOf(t, [started], { pin }).get('a'))[Symbol.dispose]();
  const before = started.seen.length;
  const other = clientOf(t, [started], { pin: pin.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) });
  await assert.rejects(other.get('a'), failsWith('server.untrusted', /not the pinned one/));
  assert.equal(started.seen.length, before);
});

test('a server of another authority, or with another name, is not trusted and gets no request', async (t) => {
  const started = await fake(t, honest);
  const stranger = await createAuthority({ name: 'test', ...validity });
  const misled = clientOf(t, [started], { ca: stranger.certificatePem });
  await assert.rejects(misled.get('a'), failsWith('server.untrusted'));
  const elsewhere = await identity('server', { ip: ['192.0.2.1'] });
  const renamed = await fake(t, honest, { certificate: elsewhere.certificate, key: privateKeyPem(elsewhere.key) });
  await assert.rejects(clientOf(t, [renamed]).get('a'), failsWith('server.untrusted'));
  assert.deepEqual([...started.seen, ...renamed.seen], []);
});

test('the next server is asked when one is silent, gone or failing, not when it refuses', async (t) => {
  const good = await fake(t, honest);
  const failing: Script = (request) => respond(request, { status: 'Operation Failed', reason: 'General Failure' });
  for (const bad of [
    await fake(t, () => 'silence'),
    await fake(t, () => 'close'),
    await fake(t, failing),
    { port: 1 },
  ]) {
    using key = await clientOf(t, [bad, good], trusted, { tryTimeout: 400 }).get('a');
    assert.equal(key.id, 'a');
  }
  const before = good.seen.length;
  const refusing: Script = (request) => respond(request, { status: 'Operation Failed', reason: 'Permission Denied' });
  await assert.rejects(clientOf(t, [await fake(t, refusing), good]).get('a'), failsWith('operation.failed'));
  assert.equal(good.seen.length, before);
});

test('the overall deadline holds however many servers there are', async (t) => {
  const silent = await fake(t, () => 'silence');
  const client = clientOf(t, [silent, silent, silent, silent], trusted, { tryTimeout: 150, timeout: 300 });
  await assert.rejects(client.get('a'), failsWith('server.timeout'));
  assert.ok(silent.seen.filter((operation) => operation === 'Get').length <= 2);
});

test('without a marker, a Create whose answer is lost is not sent again, to no server', async (t) => {
  const [lost, other] = [await fake(t, () => 'close'), await fake(t, honest)];
  const client = clientOf(t, [lost, other], trusted, { marker: false });
  await assert.rejects(
    client.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] }),
    failsWith('outcome.unknown', /look for the object/),
  );
  assert.deepEqual(lost.seen, ['Discover Versions', 'Create']);
  assert.deepEqual(other.seen, []);
});

test('a kept connection that died is replaced without a word, once', async (t) => {
  const started = await fake(t, honest);
  const client = clientOf(t, [started]);
  (await client.get('a'))[Symbol.dispose]();
  (await client.get('a'))[Symbol.dispose]();
  assert.equal(started.connections(), 1);
  started.drop();
  (await client.get('a'))[Symbol.dispose]();
  assert.equal(started.connections(), 2);
});

test('a request on a kept connection that is cut before the answer is asked again on a new one', async (t) => {
  const started = await fake(t, (request, n) => (n === 2 ? 'close' : respond(request, keyPayload())));
  const client = clientOf(t, [started]);
  (await client.get('a'))[Symbol.dispose]();
  (await client.get('a'))[Symbol.dispose]();
  assert.deepEqual(started.seen, ['Discover Versions', 'Get', 'Get', 'Get']);
});

test('a request that must not happen twice, and cannot be looked for, never goes over a kept connection', async (t) => {
  const script: Script = (request, n) =>
    n === 1
      ? respond(request, keyPayload())
      : respond(request, { payload: bound(create.response, { objectType: 'Symmetric Key', id: 'b' }) });
  const started = await fake(t, script);
  const client = clientOf(t, [started], trusted, { marker: false });
  (await client.get('a'))[Symbol.dispose]();
  await client.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] });
  assert.equal(started.connections(), 2);
});

test('requests at once use several connections, up to the limit', async (t) => {
  const started = await fake(t, honest);
  const client = clientOf(t, [started], trusted, { connections: 2 });
  const keys = await Promise.all(Array.from({ length: 10 }, () => client.get('a')));
  for (const key of keys) key[Symbol.dispose]();
  assert.equal(started.connections(), 2);
});

test('a closed client refuses', async (t) => {
  const client = clientOf(t, [await fake(t, honest)]);
  client.close();
  await assert.rejects(client.get('a'), failsWith('client.closed'));
});

test('a Create that makes another kind of object, or none, is not believed', async (t) => {
  for (const answer of [
    { objectType: 'Public Key', id: 'a' },
    { objectType: 'Symmetric Key', id: '' },
  ] as const) {
    const script: Script = (request) => respond(request, { payload: bound(create.response, answer) });
    const client = clientOf(t, [await fake(t, script)]);
    await assert.rejects(
      client.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] }),
      failsWith('answer.invalid'),
    );
  }
});
