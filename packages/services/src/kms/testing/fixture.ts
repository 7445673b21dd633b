import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePrivateKey } from '@vouchsafe/domain/x509/pem';
import { type KeyServer, kmipClient } from '@vouchsafe/kmip/client/client';
import { addKmsClient, type ClientFiles, type NewClient } from '../clients.ts';
import { type KmsOptions, type RunningKms, serveKms } from '../serve.ts';

/** A key server in a temporary folder. */
export interface KmsFixture {
  readonly dataDir: string;
  readonly kms: RunningKms;
  addClient(name: string, options?: Pick<NewClient, 'scope' | 'roles' | 'users'>): Promise<ClientFiles>;
  client(files: ClientFiles): KeyServer;
  /** Stops the server and starts it again on the same folder. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a key server on a free port of 127.0.0.1. */
export async function kmsFixture(options: Partial<KmsOptions> = {}): Promise<KmsFixture> {
  const folder = mkdtempSync(join(tmpdir(), 'kms-'));
  const dataDir = join(folder, 'data');
  const start = () => serveKms({ dataDir, listen: { host: '127.0.0.1', port: 0 }, ...options });
  let kms = await start();
  return {
    dataDir,
    get kms() {
      return kms;
    },
    addClient: (name, options) => addKmsClient({ dataDir, name, outDir: join(folder, 'clients'), ...options }),
    client: (files) => clientOf(kms, files),
    async restart() {
      await kms.close();
      kms = await start();
    },
    async close() {
      await kms.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A client of a key server, with the files that were made for it. */
export const clientOf = (kms: RunningKms, files: ClientFiles): KeyServer =>
  kmipClient({
    servers: [{ ...kms.address, trust: { ca: readFileSync(files.authority, 'utf8') } }],
    certificate: readFileSync(files.certificate, 'utf8'),
    key: parsePrivateKey(readFileSync(files.key)),
  });
