/**
 * How much of a bare mutual-TLS responder the key server keeps, that sends the same octets for every message: Get with
 * one in flight, on eight connections, pipelined, and with a connection of its own. By turns, in one run, each server in
 * a process of its own; against PyKMIP's server on eight connections, too, where it is installed. Prints JSON.
 *
 *     node bench/kms.ts [--seconds 3] [--pykmip]
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { parseArgs } from 'node:util';
import { parsePrivateKey } from '@vouchsafe/domain/x509/pem';
import { kmipClient } from '@vouchsafe/kmip/client/client';
import { get } from '@vouchsafe/kmip/operations/get';
import { asking, requestMessage } from '@vouchsafe/kmip/testing/samples';
import { addKmsClient, type ClientFiles } from '@vouchsafe/services/kms/clients';
import { kmsLayout } from '@vouchsafe/services/kms/layout';
import { serveKms } from '@vouchsafe/services/kms/serve';
import { pykmipServer, withoutPykmip } from '@vouchsafe/services/kms/testing/pykmip-server';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    pykmip: { type: 'boolean', default: false },
    /** Of the processes that this one starts. */
    as: { type: 'string' },
    data: { type: 'string', default: '' },
    answer: { type: 'string', default: '' },
  },
});
const milliseconds = Number(values.seconds) * 1000;

/** What is sent and how long its answer is. */
interface Conversation {
  readonly port: number;
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly request: Buffer;
  readonly answer: number;
}

const open = async ({ port, cert, key }: Conversation): Promise<TLSSocket> => {
  const socket = connect({ host: '127.0.0.1', port, cert, key, rejectUnauthorized: false });
  socket.setNoDelay(true);
  await once(socket, 'secureConnect');
  return socket;
};

/** Keeps `depth` requests under way on a connection until the time is over, and gives how many were answered. */
async function ask(conversation: Conversation, depth: number): Promise<number> {
  const socket = await open(conversation);
  const end = performance.now() + milliseconds;
  let [octets, done, sent] = [0, 0, 0];
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const send = (count: number) => {
    sent += count;
    socket.write(count === 1 ? conversation.request : Buffer.concat(Array(count).fill(conversation.request)));
  };
  socket.on('error', reject).on('close', () => reject(new Error('the server closed the connection')));
  socket.on('data', (chunk) => {
    octets += chunk.length;
    const now = Math.floor(octets / conversation.answer);
    const came = now - done;
    done = now;
    if (performance.now() < end) {
      if (came > 0) send(came);
    } else if (done === sent) resolve(done);
  });
  send(depth);
  try {
    return await promise;
  } finally {
    socket.removeAllListeners('close').destroy();
  }
}

async function perSecond(conversation: Conversation, connections: number, depth: number): Promise<number> {
  const began = performance.now();
  const counts = await Promise.all(Array.from({ length: connections }, () => ask(conversation, depth)));
  return (counts.reduce((sum, each) => sum + each) / (performance.now() - began)) * 1000;
}

/** Connections with one Get each, one after the other, by second. */
async function connectAndGet(conversation: Conversation): Promise<number> {
  const began = performance.now();
  let count = 0;
  for (; performance.now() < began + milliseconds; count++) {
    const socket = await open(conversation);
    socket.write(conversation.request);
    let octets = 0;
    for await (const chunk of socket) {
      octets += (chunk as Buffer).length;
      if (octets >= conversation.answer) break;
    }
    socket.destroy();
  }
  return (count / (performance.now() - began)) * 1000;
}

/** Runs this file as one of the servers and waits for its port. */
async function server(as: string, data: string, answer = ''): Promise<{ port: number; stop(): void }> {
  const child = spawn(process.execPath, [import.meta.filename, '--as', as, '--data', data, '--answer', answer], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  return { port: Number(String(line)), stop: () => void child.kill('SIGTERM') };
}

async function runServer(): Promise<void> {
  const listen = { host: '127.0.0.1', port: 0 };
  if (values.as === 'kms') {
    const { address } = await serveKms({ dataDir: values.data, listen });
    process.stdout.write(`${address.port}\n`);
    return;
  }
  const answer = Buffer.from(values.answer, 'hex');
  const pem = readFileSync(kmsLayout(values.data).server.file);
  // The least that mutual TLS takes; nobody looks at the certificate, nor at what was asked.
  const options = { cert: pem, key: pem, ca: [], requestCert: true, rejectUnauthorized: false, noDelay: true };
  const bare = createServer(options, (socket) => {
    let octets = 0;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      octets += chunk.length;
      for (; octets >= requestLength; octets -= requestLength) socket.write(answer);
    });
  });
  bare.listen(0, '127.0.0.1', () => {
    const address = bare.address() as { port: number };
    process.stdout.write(`${address.port}\n`);
  });
}

const requestOf = (id: string) => requestMessage([asking(get, { id }, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))]);
const requestLength = requestOf('6f1c0f5e-1b7d-4c64-9a0e-0c5a4b8b1a11').length;

/** Makes a key and fetches it once: what the answers look like. */
async function prepare(port: number, files: ClientFiles): Promise<{ request: Buffer; answer: Buffer }> {
  using client = kmipClient({
    servers: [{ host: '127.0.0.1', port, trust: { ca: readFileSync(files.authority, 'utf8') } }],
    certificate: readFileSync(files.certificate, 'utf8'),
    key: parsePrivateKey(readFileSync(files.key)),
  });
  const request = requestOf(await client.create({ algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] }));
  const conversation = {
    port,
    cert: readFileSync(files.certificate),
    key: readFileSync(files.key),
    request,
    answer: 8,
  };
  const socket = await open(conversation);
  socket.write(request);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return { request, answer };
}

/** Gets a second of PyKMIP's server on eight connections. */
async function pykmip(): Promise<number | undefined> {
  if (withoutPykmip !== false) return undefined;
  const running = await pykmipServer();
  try {
    const owner = await running.client('bench');
    const id = await owner.create({ algorithm: 'AES', length: 256, usage: ['Encrypt', 'Decrypt'] });
    const until = performance.now() + milliseconds;
    let count = 0;
    const work = async () => {
      for (; performance.now() < until; count++) (await owner.get(id))[Symbol.dispose]();
    };
    await Promise.all(Array.from({ length: 8 }, work));
    owner.close();
    return (count / milliseconds) * 1000;
  } finally {
    await running.close();
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-kms-'));
  const stops: (() => void)[] = [];
  try {
    const dataDir = join(folder, 'data');
    const files = await addKmsClient({ dataDir, name: 'bench', outDir: folder });
    const ours = await server('kms', dataDir);
    stops.push(ours.stop);
    const { request, answer } = await prepare(ours.port, files);
    const bare = await server('bare', dataDir, answer.toString('hex'));
    stops.push(bare.stop);
    const identity = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
    const both = [bare.port, ours.port].map((port) => ({ ...identity, port, request, answer: answer.length }));
    const ways = {
      'one in flight': (each: Conversation) => perSecond(each, 1, 1),
      'eight connections': (each: Conversation) => perSecond(each, 8, 1),
      'sixteen pipelined': (each: Conversation) => perSecond(each, 1, 16),
      'connect, Get, close': connectAndGet,
    };
    for (const each of both) await perSecond(each, 8, 4);
    const results: Record<string, object> = {};
    for (const [way, run] of Object.entries(ways)) {
      const [least, kept] = [await run(both[0]!), await run(both[1]!)];
      results[way] = { bare: Math.round(least), ours: Math.round(kept), ratio: Math.round((100 * kept) / least) / 100 };
    }
    const peer = values.pykmip ? await pykmip() : undefined;
    process.stdout.write(
      `${JSON.stringify({ ...results, ...(peer && { pykmip: Math.round(peer) }) }, undefined, 2)}\n`,
    );
  } finally {
    for (const stop of stops) stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await (values.as === undefined ? main() : runServer());
