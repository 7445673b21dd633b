import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { encode } from '@vouchsafe/bytes/codec';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { Secret } from '@vouchsafe/bytes/secret';
import { connectLibvirt, type LibvirtConnection } from './connection.ts';
import { listDomains } from './domains.ts';
import { LibvirtError, type LibvirtErrorKind } from './error.ts';
import { decodeMessage, encodeCall, Frames, RemoteError } from './message.ts';
import { procedures } from './procedures.ts';
import { setSecretValue } from './secrets.ts';

const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, at * 4);
  return bytes;
};

interface Answer {
  readonly proc: number;
  readonly serial: number;
  readonly type?: number;
  readonly status?: number;
  readonly payload?: Uint8Array;
}

const frame = ({ proc, serial, type = 1, status = 0, payload = new Uint8Array() }: Answer): Buffer =>
  Buffer.concat([words(28 + payload.length, 0x20008086, 1, proc, type, serial, status), payload]);

/** A server that lets the client in and then answers each call with what `answer` says. */
async function hostileServer(
  answer: (call: { proc: number; serial: number }, socket: Socket) => Uint8Array | undefined,
) {
  const directory = mkdtempSync(join(tmpdir(), 'vouchsafe-libvirt-'));
  const sockets = new Set<Socket>();
  const calls: Uint8Array[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    const frames = new Frames();
    socket.on('data', (piece: Uint8Array) => {
      for (const bytes of frames.push(piece)) {
        calls.push(bytes);
        const { proc, serial } = decodeMessage(bytes).header;
        const welcome = proc === procedures.authList.number || proc === procedures.open.number;
        const payload = proc === procedures.authList.number ? words(1, 0) : new Uint8Array();
        const reply = welcome ? frame({ proc, serial, payload }) : answer({ proc, serial }, socket);
        if (reply !== undefined) socket.write(reply);
      }
    });
  });
  const socketPath = join(directory, 'libvirt-sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    socketPath,
    calls,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true });
    },
  };
}

const is = (kind: LibvirtErrorKind, message: RegExp) => (e: unknown) =>
  e instanceof LibvirtError && e.kind === kind && message.test(e.message) && e.advice !== '';

const lies: [what: string, answer: (serial: number) => Uint8Array, kind: LibvirtErrorKind, message: RegExp][] = [
  ['a length below the header', () => words(27, 0), 'protocol', /length: 27 bytes/],
  ['a length of gigabytes', () => words(0xffffffff, 0), 'protocol', /length: 4294967295 bytes/],
  ['another program', (serial) => words(28, 1, 1, 273, 1, serial, 0), 'protocol', /prog: expected 0x20008086/],
  ['another version', (serial) => words(28, 0x20008086, 2, 273, 1, serial, 0), 'protocol', /vers/],
  ['an unknown type', (serial) => frame({ proc: 273, serial, type: 9 }), 'protocol', /type: expected one of/],
  ['an unknown status', (serial) => frame({ proc: 273, serial, status: 9 }), 'protocol', /status/],
  ['a serial nobody asked for', (serial) => frame({ proc: 273, serial: serial + 1 }), 'protocol', /answers no call/],
  ['a call to us', (serial) => frame({ proc: 273, serial, type: 0 }), 'protocol', /answers no call/],
  ['a stream', (serial) => frame({ proc: 273, serial, type: 3 }), 'protocol', /answers no call/],
  ['no payload', (serial) => frame({ proc: 273, serial }), 'protocol', /domains: need 4 bytes/],
  [
    'more domains than there may be',
    (serial) => frame({ proc: 273, serial, payload: words(0xffffff, 0) }),
    'protocol',
    /16777215 items/,
  ],
  [
    'an endless name',
    (serial) => frame({ proc: 273, serial, payload: words(1, 0x7fffffff) }),
    'protocol',
    /domains\[0\]\.name: 2147483647 bytes/,
  ],
  [
    'bytes left over',
    (serial) => frame({ proc: 273, serial, payload: words(0, 0, 0) }),
    'protocol',
    /4 bytes too many/,
  ],
  ['an error without an error', (serial) => frame({ proc: 273, serial, status: 1 }), 'protocol', /code: need 4 bytes/],
  [
    'a message that is none',
    () => frame({ proc: 318, serial: 0, type: 2, payload: words(0) }),
    'protocol',
    /dom\.name/,
  ],
];

for (const [what, answer, kind, message] of lies) {
  test(`refused: ${what}`, async () => {
    await using server = await hostileServer(({ serial }) => answer(serial));
    using connection = await connectLibvirt({ socketPath: server.socketPath, deadline: 5000 });
    await assert.rejects(listDomains(connection), is(kind, message));
    assert.equal((await connection.closed).kind, kind);
    await assert.rejects(listDomains(connection), is(kind, message));
  });
}

test('an error of libvirt keeps its code and leaves the connection open', async () => {
  const error = {
    code: 42,
    domain: 10,
    message: 'Domain not found',
    level: 2,
    dom: undefined,
    str1: undefined,
  } as const;
  const payload = encode(RemoteError, {
    ...error,
    str2: undefined,
    str3: undefined,
    int1: -1,
    int2: -1,
    net: undefined,
  });
  await using server = await hostileServer(({ proc, serial }) => frame({ proc, serial, status: 1, payload }));
  using connection = await connectLibvirt({ socketPath: server.socketPath, deadline: 5000 });
  await assert.rejects(
    listDomains(connection),
    (e) => is('refused', /^Domain not found$/)(e) && (e as LibvirtError).code === 42,
  );
  assert.equal(connection.isOpen, true);
});

test('a daemon that does not answer is given up at the deadline', async () => {
  await using server = await hostileServer(() => undefined);
  using connection = await connectLibvirt({ socketPath: server.socketPath, deadline: 50 });
  await assert.rejects(listDomains(connection), is('deadline', /within 50 ms/));
  assert.equal(connection.isOpen, false);
});

test('a daemon that goes away is noticed, by calls and by itself', async () => {
  await using server = await hostileServer((_call, socket) => {
    socket.destroy();
    return undefined;
  });
  using connection = await connectLibvirt({ socketPath: server.socketPath, deadline: 5000 });
  await assert.rejects(listDomains(connection), is('closed', /closed the connection|connection lost/));
  assert.equal((await connection.closed).kind, 'closed');
});

test('no daemon at all is one clear error', async () => {
  const socketPath = join(tmpdir(), 'vouchsafe-no-such-socket');
  await assert.rejects(connectLibvirt({ socketPath, deadline: 1000 }), is('unreachable', /ENOENT/));
});

test('answers may come in any pieces and in any order', async () => {
  const late: Uint8Array[] = [];
  await using server = await hostileServer(({ proc, serial }, socket) => {
    late.unshift(frame({ proc, serial, payload: words(0, serial) }));
    if (late.length === 3) for (const byte of Buffer.concat(late)) socket.write(Uint8Array.of(byte));
    return undefined;
  });
  using connection: LibvirtConnection = await connectLibvirt({ socketPath: server.socketPath, deadline: 5000 });
  const ask = () => connection.call('listDomains', { needResults: 1, flags: 0 });
  const answers = await Promise.all([ask(), ask(), ask()]);
  assert.deepEqual(
    answers.map((answer) => answer.ret),
    [3, 4, 5],
  );
});

test('a secret arrives as it is, and the copy that was sent is wiped', async (t) => {
  await using server = await hostileServer(({ proc, serial }) => frame({ proc, serial }));
  using connection = await connectLibvirt({ socketPath: server.socketPath, deadline: 5000 });
  const written: Uint8Array[] = [];
  const write = Socket.prototype.write;
  t.mock.method(Socket.prototype, 'write', function (this: Socket, bytes: Uint8Array, done?: () => void) {
    written.push(bytes);
    return write.call(this, bytes, done as never);
  });
  using value = Secret.take(new TextEncoder().encode('canary-passphrase'));
  await setSecretValue(connection, { uuid: 'aaaaaaaa-0000-4000-8000-000000000001', usageType: 0, usageID: '' }, value);
  assert.match(Buffer.from(server.calls.at(-1)!).toString('latin1'), /canary-passphrase/);
  const call = written.find((bytes) => bytes.length > 60)!;
  assert.ok(call.every((byte) => byte === 0));
});

test('every truncated or changed answer is a message or a DecodeError', () => {
  const sample = encodeCall(273, 7, words(1, 4)).subarray(4);
  everyTruncation(sample.subarray(0, 24), (cut) => assert.throws(() => decodeMessage(cut), DecodeError));
  const readable = (bytes: Uint8Array) => {
    try {
      decodeMessage(bytes);
    } catch (e) {
      assert.ok(e instanceof DecodeError, String(e));
    }
  };
  everyBitFlip(sample, readable);
  mutations([sample], 11, 500, readable);
});

test('a mutated stream never holds more than one message', () => {
  const stream = Buffer.concat([
    frame({ proc: 1, serial: 1 }),
    frame({ proc: 2, serial: 2, payload: new Uint8Array(40) }),
  ]);
  mutations([stream], 12, 500, (bytes) => {
    const frames = new Frames();
    try {
      for (let at = 0; at < bytes.length; at += 7)
        for (const each of frames.push(bytes.subarray(at, at + 7))) assert.ok(each.length >= 24);
    } catch (e) {
      assert.ok(e instanceof DecodeError, String(e));
    }
  });
});
