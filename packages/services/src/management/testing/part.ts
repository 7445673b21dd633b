import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { fileSealer } from '@vouchsafe/store/seal';
import pino from 'pino';
import { HttpClient } from '../../http/client.ts';
import { httpServer, listenOnSocket, type Route } from '../../http/server.ts';

/** Store and audit of a part in a temporary folder. */
export interface TestPart {
  readonly store: ConfigStore;
  readonly folder: string;
  readonly records: AuditEntry[];
  /** While true, no record can be written. */
  full: boolean;
  readonly audit: (...entries: AuditEntry[]) => void;
  /** Serves routes on a socket and gives a client for it. */
  serve(routes: readonly Route[]): Promise<HttpClient>;
  close(): Promise<void>;
}

export function testPart(): TestPart {
  const folder = mkdtempSync(join(tmpdir(), 'part-'));
  const store = ConfigStore.open(join(folder, 'part.db'), fileSealer(join(folder, 'part.key')));
  const closing: (() => Promise<void>)[] = [];
  let sockets = 0;
  const part: TestPart = {
    store,
    folder,
    records: [],
    full: false,
    audit(...entries) {
      if (part.full) throw new Error('no space left');
      part.records.push(...entries);
    },
    async serve(routes) {
      const socket = join(folder, `${++sockets}.sock`);
      const listening = await listenOnSocket(httpServer(routes, pino({ level: 'silent' })), socket);
      const client = new HttpClient({ socket });
      closing.push(
        () => client.close(),
        () => listening.close(),
      );
      return client;
    },
    async close() {
      for (const each of closing) await each();
      store[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    },
  };
  return part;
}
