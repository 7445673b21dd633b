import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { concat } from '@vouchsafe/bytes/hex';
import { getRandom } from '../commands/get-random.ts';
import { startup } from '../commands/startup.ts';
import { TpmError } from '../error.ts';
import { Swtpm, withoutSwtpm } from '../testing/swtpm.ts';
import { Tpm } from '../tpm.ts';
import { type DeviceFile, DeviceTransport } from './device.ts';
import { SocketTransport } from './socket.ts';
import type { TpmTransport } from './transport.ts';

/** What every transport must do, on a real software TPM. */
function transportContract(name: string, kind: 'unix' | 'tcp', open: (swtpm: Swtpm) => Promise<TpmTransport>): void {
  test(`${name}: commands are answered in their order`, { skip: withoutSwtpm }, async () => {
    await using swtpm = await Swtpm.start(kind);
    await using tpm = new Tpm(await open(swtpm));
    await startup(tpm);
    const sizes = [1, 32, 7, 16, 32, 2];
    const answers = await Promise.all(sizes.map((size) => getRandom(tpm, size)));
    assert.deepEqual(
      answers.map(({ length }) => length),
      sizes,
    );
  });

  test(`${name}: nothing is answered after close`, { skip: withoutSwtpm }, async () => {
    await using swtpm = await Swtpm.start(kind);
    const tpm = new Tpm(await open(swtpm));
    await tpm.close();
    await assert.rejects(getRandom(tpm, 1), isLost);
    await tpm.close();
  });

  test(`${name}: a TPM that goes away is an error, not a wait`, { skip: withoutSwtpm }, async () => {
    const swtpm = await Swtpm.start(kind);
    await using tpm = new Tpm(await open(swtpm));
    await getRandom(tpm, 1);
    await swtpm[Symbol.asyncDispose]();
    await assert.rejects(getRandom(tpm, 1), isLost);
    await assert.rejects(getRandom(tpm, 1), isLost);
  });
}

const isLost = (error: unknown) => error instanceof TpmError && error.code === 'transport';

transportContract('Unix socket', 'unix', (swtpm) => SocketTransport.open(swtpm.address));
transportContract('TCP socket', 'tcp', (swtpm) => SocketTransport.open(swtpm.address));
transportContract('device', 'unix', async (swtpm) => new DeviceTransport(await deviceOver(swtpm), '/dev/tpmX'));

/** A file that behaves as the kernel's device does: the write runs the command, the read hands out the answer. */
async function deviceOver(swtpm: Swtpm): Promise<DeviceFile> {
  const transport = await SocketTransport.open(swtpm.address);
  let answer: Uint8Array = new Uint8Array();
  const file = {
    async write(command: Uint8Array) {
      answer = await transport.transmit(command);
      return { bytesWritten: command.length, buffer: command };
    },
    read(buffer: Uint8Array) {
      buffer.set(answer);
      return Promise.resolve({ bytesRead: answer.length, buffer });
    },
    close: () => transport.close(),
  };
  return file as unknown as DeviceFile;
}

test('a device that is not there is an error with advice', async () => {
  await assert.rejects(DeviceTransport.open('/dev/no-such-tpm'), {
    message: '/dev/no-such-tpm cannot be opened: there is no TPM 2.0, enable it in the firmware',
  });
});

test('a socket that nobody listens on is an error', async () => {
  await assert.rejects(SocketTransport.open({ path: '/nowhere/tpm.sock' }), isLost);
});

/** A server that answers every command with the same bytes. */
async function answering(path: string, ...parts: Uint8Array[]): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      for (const part of parts) socket.write(part);
      socket.end();
    });
  }).listen(path);
  await once(server, 'listening');
  return server;
}

test('answers that cannot be framed break the connection', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tpm-'));
  const header = (size: number) => new Uint8Array([0x80, 0x01, size >>> 24, size >>> 16, size >>> 8, size, 0, 0, 0, 0]);
  const table: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(), /closed/],
    ['half a header', header(10).slice(0, 5), /closed/],
    ['less than announced', header(12), /closed/],
    ['a size of 0', header(0), /a response of 0 bytes was announced/],
    ['a size of 4 GiB', header(0xffffffff), /a response of 4294967295 bytes/],
    ['two answers', concat(header(10), header(10)), /more came than one response/],
  ];
  try {
    for (const [i, [what, bytes, message]] of table.entries()) {
      const path = join(folder, `${i}.sock`);
      const server = await answering(path, bytes);
      await using transport = await SocketTransport.open({ path });
      await assert.rejects(transport.transmit(header(10)), { code: 'transport', message }, what);
      await assert.rejects(transport.transmit(header(10)), { code: 'transport', message }, what);
      server.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
