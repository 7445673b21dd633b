import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kmipClient } from '@vouchsafe/kmip/client/client';
import { must } from '../command.ts';
import { Daemon } from '../daemon.ts';
import { freePort } from '../loopback.ts';
import { until } from '../wait.ts';
import { vouchsafe } from './program.ts';

/** The embedded key server, running as a process of its own, with one client and one primary key. */
export interface KeyServerProcess extends AsyncDisposable {
  /** `HOST:PORT`. */
  readonly address: string;
  /** PEM texts: the authority of the server, certificate and private key of the client. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly primaryKeyId: string;
  /** Makes another key of the same kind. @returns its id */
  newPrimaryKey(): Promise<string>;
}

/** Starts a key server on loopback and makes a primary key in it. @throws {TestingError} */
export async function startKeyServer(folder: string): Promise<KeyServerProcess> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const data = join(folder, 'kms');
  const daemon = await Daemon.start(vouchsafe('serve', 'kms', '--data', data, '--listen', address), {
    name: 'key server',
    log: join(folder, 'kms.log'),
  });
  try {
    await until('key server', 30_000, async () => {
      await daemon.mustRun();
      return (await readFile(join(folder, 'kms.log'), 'utf8')).includes('listening') || undefined;
    });
    await must(vouchsafe('kms', 'client', 'add', 'trust-authority', '--data', data, '--out', folder));
    const read = (name: string) => readFile(join(folder, name), 'utf8');
    const [ca, certificate, key] = await Promise.all([
      read('ca.crt'),
      read('trust-authority.crt'),
      read('trust-authority.key'),
    ]);
    const newPrimaryKey = () => makePrimaryKey(port, { ca, certificate, key });
    const primaryKeyId = await newPrimaryKey();
    return {
      address,
      ca,
      certificate,
      key,
      primaryKeyId,
      newPrimaryKey,
      [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
    };
  } catch (error) {
    await daemon.kill();
    throw error;
  }
}

async function makePrimaryKey(
  port: number,
  { ca, certificate, key }: { ca: string; certificate: string; key: string },
): Promise<string> {
  using client = kmipClient({
    servers: [{ host: '127.0.0.1', port, trust: { ca } }],
    certificate,
    key: createPrivateKey(key),
  });
  const id = await client.create({
    algorithm: 'AES',
    length: 256,
    usage: ['Encrypt', 'Decrypt', 'Wrap Key', 'Unwrap Key'],
  });
  await client.activate(id);
  return id;
}
