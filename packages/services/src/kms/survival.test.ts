import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromHex } from '@vouchsafe/bytes/hex';
import { createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { discoverVersions } from '@vouchsafe/kmip/operations/discover-versions';
import { get } from '@vouchsafe/kmip/operations/get';
import { query } from '@vouchsafe/kmip/operations/query';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { addKmsClientByCertificate, removeKmsClient } from './clients.ts';
import type { KmsOptions } from './serve.ts';
import { kmsFixture } from './testing/fixture.ts';
import { type RawClient, rawClient } from './testing/raw-client.ts';

const versionsOf = () => requestMessage([asking(discoverVersions, { versions: [] })]);

/** An item: tag, type, value with its padding; the length may lie. */
function item(tag: number, type: number, value: Uint8Array, length = value.length): Buffer {
  const whole = Buffer.alloc(8 + Math.ceil(value.length / 8) * 8);
  whole.writeUInt32BE(tag * 256 + type);
  whole.writeUInt32BE(length, 4);
  whole.set(value, 8);
  return whole;
}

const structure = (tag: number, ...items: Uint8Array[]) => item(tag, 1, Buffer.concat(items));
const number = (tag: number, type: number, value: number) => {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return item(tag, type, octets);
};
const version = structure(0x420069, number(0x42006a, 2, 1), number(0x42006b, 2, 1));
const header = (...more: Uint8Array[]) => structure(0x420077, version, ...more, number(0x42000d, 2, 1));
const asked = (operation: number, ...payload: Uint8Array[]) =>
  structure(0x42000f, number(0x42005c, 5, operation), structure(0x420079, ...payload));
const message = (...items: Uint8Array[]) => structure(0x420078, ...items);
/** Get of an object whose identifier is these octets. */
const getting = (id: Uint8Array, length?: number) => message(header(), asked(10, item(0x420094, 7, id, length)));

const nested = (depth: number) => {
  const octets = Buffer.alloc(depth * 8);
  for (let i = 0; i < depth; i++) {
    octets.writeUInt32BE(0x42007901, i * 8);
    octets.writeUInt32BE((depth - i - 1) * 8, i * 8 + 4);
  }
  return octets;
};

/** What is sent, by the case of the table in docs/kmip-survival.md; and the answer, or `closed` without one. */
const cases: Record<string, readonly (readonly [what: string, octets: Uint8Array, answer: string])[]> = {
  F1: [
    ['4 GiB announced', fromHex('42007801ffffffff'), 'closed'],
    ['64 MiB announced', fromHex('4200780104000000'), 'closed'],
  ],
  F2: [
    ['another root', item(0x42007b, 1, Buffer.alloc(8)), 'closed'],
    ['a root that is an Integer', number(0x420078, 2, 1), 'closed'],
    ['a root of no type', item(0x420078, 0x0b, Buffer.alloc(8)), 'closed'],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'closed'],
  ],
  F3: [
    ['a length of 12', fromHex('420078010000000c000000000000000000000000'), 'closed'],
    ['a length of 0', fromHex('4200780100000000'), 'closed'],
  ],
  F4: [
    ['a child longer than its parent', message(header(), item(0x42000f, 1, Buffer.alloc(16), 256)), 'Invalid Message'],
    ['a child that ends early', message(header(), item(0x42000f, 1, Buffer.alloc(8), 3)), 'Invalid Message'],
    ['octets behind the last child', message(header(), asked(24), Buffer.alloc(8)), 'Invalid Message'],
  ],
  F5: [
    [
      'an Integer of 8 octets',
      message(structure(0x420077, version, item(0x42000d, 2, Buffer.alloc(8)))),
      'Invalid Message',
    ],
    ['a Boolean of 4 octets', message(header(item(0x420007, 6, Buffer.alloc(4))), asked(24)), 'Invalid Message'],
    ['a Date-Time of 4 octets', message(header(item(0x420092, 9, Buffer.alloc(4))), asked(24)), 'Invalid Message'],
  ],
  F6: [['padding that is not zero', getting(Buffer.from('none\x01\x01\x01\x01'), 4), 'Invalid Message']],
  F7: [
    ['a Boolean of 2', message(header(item(0x420007, 6, fromHex('0000000000000002'))), asked(24)), 'Invalid Message'],
    ['an operation of a vendor', message(header(), asked(0x8000_0001)), 'Operation Not Supported'],
    ['an operation that is not yet', message(header(), asked(0x7fff)), 'Operation Not Supported'],
  ],
  F8: [
    ['2000 structures inside one another', message(header(), nested(2000)), 'Invalid Message'],
    ['100000 structures inside one another', message(header(), nested(100_000)), 'Invalid Message'],
  ],
  F9: [
    ['text that is no UTF-8', getting(fromHex('fffe')), 'Invalid Message'],
    ['text with a NUL inside', getting(Buffer.from('a\0b')), 'Invalid Message'],
    ['text with its padding counted', getting(Buffer.from('none\0\0\0\0')), 'Invalid Message'],
  ],
  F10: [
    ['text of 300 kB', getting(Buffer.alloc(300_000, 0x61)), 'Invalid Message'],
    [
      '120000 items',
      message(header(), asked(24, Buffer.alloc(120_000 * 8, fromHex('4200740500000000')))),
      'Invalid Message',
    ],
  ],
  B1: [['no Batch Count', message(structure(0x420077, version), asked(24)), 'Invalid Message']],
  B2: [
    [
      '1000 items',
      message(structure(0x420077, version, number(0x42000d, 2, 1000)), ...Array(1000).fill(asked(24))),
      'Invalid Message',
    ],
  ],
  B3: [
    [
      'an item id of 1 MB',
      message(header(), structure(0x42000f, number(0x42005c, 5, 24), item(0x420093, 8, Buffer.alloc(1_000_000)))),
      'Invalid Message',
    ],
  ],
  H4: [
    ['a Time Stamp of 1970', message(header(item(0x420092, 9, Buffer.alloc(8))), asked(30)), 'Success'],
    ['a Time Stamp of 2100', message(header(item(0x420092, 9, fromHex('00000000f48656ff'))), asked(30)), 'Success'],
  ],
  H5: [
    [
      'a password of 900 kB',
      message(
        header(
          structure(
            0x42000c,
            structure(
              0x420023,
              number(0x420024, 5, 1),
              structure(0x420025, item(0x420099, 7, Buffer.from('a')), item(0x4200a1, 7, Buffer.alloc(900_000, 0x61))),
            ),
          ),
        ),
        asked(24),
      ),
      'Invalid Message',
    ],
    [
      'Authentication twice',
      message(
        header(
          ...Array(2).fill(
            structure(
              0x42000c,
              structure(0x420023, number(0x420024, 5, 1), structure(0x420025, item(0x420099, 7, Buffer.from('a')))),
            ),
          ),
        ),
        asked(24),
      ),
      'Invalid Message',
    ],
  ],
  H6: [
    ['a field that is not known', message(header(number(0x420fff, 2, 1)), asked(24)), 'Invalid Field'],
    [
      'the operation twice',
      message(header(), structure(0x42000f, number(0x42005c, 5, 24), number(0x42005c, 5, 24), structure(0x420079))),
      'Invalid Message',
    ],
  ],
  O3: [
    ['SQL for an identifier', getting(Buffer.from("' OR 1=1 --")), 'Item Not Found'],
    ['a path for an identifier', getting(Buffer.from('../../root.key')), 'Item Not Found'],
    ['a pattern for an identifier', getting(Buffer.from('%')), 'Item Not Found'],
  ],
};

async function open(t: TestContext, options: Partial<KmsOptions> = {}) {
  const fixture = await kmsFixture(options);
  t.after(fixture.close);
  const files = await fixture.addClient('one');
  const raw = (more = {}) => rawClient(fixture.kms.address.port, files, more);
  const bystander = await raw();
  /** Whether others are served: one that is there, and one that comes. */
  const othersAreServed = async () => {
    const newcomer = await raw();
    for (const each of [bystander, newcomer]) assert.equal((await each.ask(versionsOf())).items[0]?.status, 'Success');
    newcomer.close();
  };
  return { fixture, files, raw, othersAreServed };
}

const outcome = async (client: RawClient): Promise<string> => {
  const [answered] = (await client.receive())?.items ?? [];
  return answered === undefined ? 'closed' : answered.status === 'Success' ? 'Success' : String(answered.reason);
};

const mebi = 1024 * 1024;

test('what is wrong with a message is said or ends its connection, costs no memory, and nobody else notices', async (t) => {
  const { raw, othersAreServed } = await open(t);
  const before = process.memoryUsage().rss;
  for (const [id, rows] of Object.entries(cases))
    await t.test(id, async () => {
      for (const [what, octets, answer] of rows) {
        const client = await raw();
        client.send(Buffer.from(octets));
        assert.equal(await outcome(client), answer, what);
        client.close();
      }
      await othersAreServed();
    });
  // Each was sent whole, the largest of nearly 1 MiB: what stays must not grow with them.
  for (let round = 0; round < 30; round++) {
    const client = await raw();
    client.send(Buffer.from(cases.F10![1]![1]));
    await outcome(client);
    client.close();
  }
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 192 * mebi, `${Math.round(grown / mebi)} MiB`);
});

test('five octets behind a message wait for the rest of theirs, and end with their time', async (t) => {
  const { raw, othersAreServed } = await open(t, { limits: { message: 200 } });
  const client = await raw();
  client.send(Buffer.concat([versionsOf(), versionsOf().subarray(0, 5)]));
  assert.equal(await outcome(client), 'Success');
  await client.ended;
  await othersAreServed();
});

test('hundreds of connections that never shake hands end with their time, and others come in meanwhile', async (t) => {
  const { fixture, othersAreServed } = await open(t, { limits: { handshake: 1500 } });
  const halves = Array.from({ length: 300 }, () => connectPlain(fixture.kms.address.port, '127.0.0.1'));
  const ended = halves.map((half) => once(half.on('error', () => {}).resume(), 'close'));
  await Promise.all(halves.map((half) => once(half, 'connect')));
  await othersAreServed();
  await Promise.all(ended);
  await othersAreServed();
});

test('when there is no room, whoever has most connections gives way, and who has one keeps it', async (t) => {
  const { fixture, raw } = await open(t, { limits: { connections: 8, waiting: 4 } });
  const held = await Promise.all(Array.from({ length: 7 }, () => raw()));
  // All of them come from one address, so that its newcomers wait, and beyond those are turned away.
  const beyond = Array.from({ length: 12 }, () => connectPlain(fixture.kms.address.port, '127.0.0.1'));
  const ended = beyond.map((each) => once(each.on('error', () => {}).resume(), 'close'));
  await Promise.race(ended);
  for (const each of held) assert.equal((await each.ask(versionsOf())).items[0]?.status, 'Success');
  for (const each of [...held, ...beyond]) 'close' in each ? each.close() : each.destroy();
});

test('a peer that no certificate vouches for is not waited for', async (t) => {
  const { fixture, othersAreServed } = await open(t, { limits: { stranger: 200 } });
  const silent = await rawClient(fixture.kms.address.port);
  await silent.ended;
  await othersAreServed();
});

test('clients that never read their answers are not read from, cost a bounded amount of memory, and end', async (t) => {
  const { fixture, raw, othersAreServed } = await open(t, { limits: { answer: 1000 } });
  const before = process.memoryUsage().rss;
  const functions = ['Query Operations', 'Query Objects', 'Query Server Information'] as const;
  const large = Array.from({ length: 256 }, (_, i) => asking(query, { functions: [...functions] }, Uint8Array.of(i)));
  // More than a kernel keeps for a connection.
  const much = Buffer.concat(Array(100).fill(requestMessage(large)));
  const slow = await Promise.all(Array.from({ length: 4 }, () => raw()));
  for (const each of slow) {
    each.socket.pause();
    each.socket.write(much);
  }
  await othersAreServed();
  // Not before the server gave them up are they read again, to see that it did.
  while (fixture.kms.connections > 1) {
    await othersAreServed();
    await sleep(100);
  }
  for (const each of slow) each.socket.resume();
  await Promise.all(slow.map((each) => each.ended));
  const grown = process.memoryUsage().rss - before;
  assert.ok(grown < 192 * mebi, `${Math.round(grown / mebi)} MiB`);
  await othersAreServed();
});

test('TLS below 1.2 is refused, and static RSA unless it is asked for', async (t) => {
  const { fixture, raw, othersAreServed } = await open(t);
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
  const rsa = { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA256' };
  await assert.rejects(raw(old));
  await assert.rejects(raw(rsa));
  await othersAreServed();
  writeFileSync(join(fixture.dataDir, 'kms.toml'), 'legacy_tls = true\n');
  await fixture.restart();
  await assert.rejects(raw(old));
  const client = await raw(rsa);
  assert.equal(client.socket.getCipher().standardName, 'TLS_RSA_WITH_AES_128_CBC_SHA256');
  assert.equal((await client.ask(versionsOf())).items[0]?.status, 'Success');
  client.close();
  const modern = await raw();
  assert.equal(modern.socket.getCipher().name, 'TLS_AES_256_GCM_SHA384');
  modern.close();
});

test('no client renegotiates', async (t) => {
  const { raw, othersAreServed } = await open(t);
  const client = await raw({ maxVersion: 'TLSv1.2' });
  const failed = await new Promise<Error | null>((resolve) => {
    client.socket.once('error', resolve).once('close', () => resolve(new Error('closed')));
    client.socket.renegotiate({}, resolve);
  });
  assert.ok(failed instanceof Error);
  client.close();
  await othersAreServed();
});

for (const tls of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`a session is resumed as the client that it began with, and as nobody once that is shut out: ${tls}`, async (t) => {
    const { fixture, raw } = await open(t);
    const only = { minVersion: tls, maxVersion: tls };
    const first = await raw(only);
    const session = first.socket.getSession() ?? Buffer.alloc(0);
    const [ticket] = tls === 'TLSv1.3' ? [await ticketOf(first)] : [session];
    first.close();
    const again = await raw({ ...only, session: ticket });
    assert.equal(again.socket.isSessionReused(), true);
    assert.equal((await again.ask(versionsOf())).items[0]?.status, 'Success');
    again.close();
    const other = await kmsFixture();
    t.after(other.close);
    const stranger = await rawClient(other.kms.address.port, undefined, { ...only, session: ticket });
    assert.equal(stranger.socket.isSessionReused(), false);
    assert.equal((await stranger.ask(versionsOf())).items[0]?.reason, 'Authentication Not Successful');
    await removeKmsClient(fixture.dataDir, 'one');
    const out = await raw({ ...only, session: ticket });
    assert.equal((await out.ask(versionsOf())).items[0]?.reason, 'Authentication Not Successful');
    out.close();
  });

/** TLS 1.3 gives tickets after the handshake. */
async function ticketOf(client: RawClient): Promise<Buffer> {
  const [ticket] = (await Promise.all([once(client.socket, 'session'), client.ask(versionsOf())]))[0] as [Buffer];
  return ticket;
}

test('whatever a pinned certificate says, it is the client that it was pinned for', async (t) => {
  const { fixture } = await open(t);
  const validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };
  // Names of a client that is there, odd ones, and none; self-signed; and one for servers only.
  const names = ['one', 'one\u202e\0', ''];
  const made = await Promise.all(names.map((name) => createAuthority({ name, ...validity })));
  const pair = newKeyPair();
  const order = { authority: made[0]!, publicKey: pair.publicKey, subject: 'one', usages: ['server'] as const };
  const all = [...made, { certificatePem: await issue({ ...order, ...validity }), privateKey: pair.privateKey }];
  for (const [i, { certificatePem: certificate, privateKey }] of all.entries()) {
    const name = `pinned-${i}`;
    await addKmsClientByCertificate({ dataDir: fixture.dataDir, name, certificate });
    const files = { certificate: `${fixture.dataDir}/${name}.crt`, key: `${fixture.dataDir}/${name}.key` };
    writeFileSync(files.certificate, certificate);
    writeFileSync(files.key, privateKeyPem(privateKey), { mode: 0o600 });
    const client = await rawClient(fixture.kms.address.port, { ...files, authority: '', fingerprint: '' });
    assert.equal((await client.ask(versionsOf())).items[0]?.status, 'Success', name);
    client.close();
  }
});

test('answers to a foreign and to a missing identifier take the same time', async (t) => {
  const { fixture, raw } = await open(t);
  const client = await raw();
  const stranger = await rawClient(fixture.kms.address.port, await fixture.addClient('two'));
  using owner = fixture.client(await fixture.addClient('three'));
  const foreign = await owner.create({ algorithm: 'AES', length: 256, usage: ['Encrypt'] });
  const missing = '6f1c0f5e-1b7d-4c64-9a0e-0c5a4b8b1a11';
  const took = async (id: string) => {
    const began = process.hrtime.bigint();
    await stranger.ask(requestMessage([asking(get, { id })]));
    return Number(process.hrtime.bigint() - began);
  };
  client.close();
  for (let i = 0; i < 200; i++) await took(i % 2 === 0 ? foreign : missing);
  const [one, other]: number[][] = [[], []];
  // By turns, each first as often, so that whatever else the machine does meets both.
  for (let i = 0; i < 600; i++)
    for (const [id, samples] of (i % 2 === 0 ? [0, 1] : [1, 0]).map((at) =>
      at === 0 ? ([foreign, one!] as const) : ([missing, other!] as const),
    ))
      samples.push(await took(id));
  stranger.close();
  const score = Math.abs(rankSum(one!, other!));
  assert.ok(score < 5, `rank-sum score ${score}`);
});

/** The Mann-Whitney statistic in standard deviations: near 0 for samples of one distribution, whatever it is. */
function rankSum(one: readonly number[], other: readonly number[]): number {
  const all = [...one.map((value) => ({ value, mine: true })), ...other.map((value) => ({ value, mine: false }))];
  all.sort((a, b) => a.value - b.value);
  const sum = all.reduce((total, { mine }, i) => total + (mine ? i + 1 : 0), 0);
  const [n, m] = [one.length, other.length];
  return (sum - (n * (n + m + 1)) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
}
