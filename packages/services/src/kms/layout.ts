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
      certificate: join(dataDir, 'server', 'server.crt'),
      key: join(dataDir, 'server', 'server.key'),
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
