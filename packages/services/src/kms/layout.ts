import { join } from 'node:path';
import { makeFolder } from '../config/make-folder.ts';

/** Where a key server keeps what. The root key stands outside the folder of the database. */
export function kmsLayout(dataDir: string) {
  return {
    dataDir,
    /** One process at a time serves. */
    lock: join(dataDir, 'serve.lock'),
    audit: { folder: join(dataDir, 'audit'), file: join(dataDir, 'audit', 'kms.jsonl') },
    /** What an operator says of the server; it need not be there. */
    config: join(dataDir, 'kms.toml'),
    /** The root key, when it lies in a file. */
    rootKey: join(dataDir, 'root.key'),
    /** The key of the store, wrapped by the root key. */
    storeKey: join(dataDir, 'store.key'),
    authority: {
      folder: join(dataDir, 'ca'),
      certificate: join(dataDir, 'ca', 'ca.crt'),
      key: join(dataDir, 'ca', 'ca.key'),
    },
    server: {
      folder: join(dataDir, 'server'),
      /** Key and certificates in one file, so that they change as one. */
      file: join(dataDir, 'server', 'server.pem'),
      /** The same with an RSA key, for clients that know nothing else. */
      legacy: join(dataDir, 'server', 'server-rsa.pem'),
      /** The key of a request that another authority is to sign. */
      requested: join(dataDir, 'server', 'requested.key'),
    },
    database: { folder: join(dataDir, 'db'), file: join(dataDir, 'db', 'kms.sqlite') },
  };
}
export type KmsLayout = ReturnType<typeof kmsLayout>;

/** Makes the folders, all of them for their owner only. */
export function makeKmsFolders(layout: KmsLayout): void {
  for (const folder of [layout.dataDir, layout.server.folder, layout.database.folder, layout.audit.folder])
    makeFolder(folder);
}
