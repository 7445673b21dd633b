import { setFlagsFromString } from 'node:v8';
import { ConfigStore } from '@vouchsafe/store/config-store';
import { soleOwner } from '@vouchsafe/store/sole-owner';
import pino, { type Logger } from 'pino';
import { AuditFile } from './audit/file.ts';
import type { HostConfig } from './config/host.ts';
import { type HostPart, makeFolders, type Paths, pathsOf } from './config/paths.ts';
import { keepOutOfCoreDumps } from './core-dumps.ts';
import { partSealer, type Seal, sealOf } from './seal/part-key.ts';

/** What every part of a host has: its configuration, its own store, audit file and log. */
export interface Part {
  readonly config: HostConfig;
  readonly paths: Paths;
  /** What protects the key of the store while the host is off. */
  readonly seal: Seal;
  readonly store: ConfigStore;
  readonly audit: AuditFile;
  readonly log: Logger;
  /** Closes store and audit file. */
  close(): void;
}

/** A running part. */
export interface Running {
  close(): Promise<void>;
}

/** Opens what a part needs; nothing listens yet. @throws {Problem} */
export async function openPart(config: HostConfig, name: HostPart | 'host', log = logger(name)): Promise<Part> {
  keepOutOfCoreDumps();
  makeFolders(config, name);
  const paths = pathsOf(config);
  // Two writers would break the chain of the audit file.
  const lock = soleOwner(paths.lock(name));
  const choice = sealOf(config);
  const place = { file: paths.key(name), sealed: paths.sealedKey(name) };
  const sealer = await partSealer(place, choice).catch((error) => {
    lock[Symbol.dispose]();
    throw error;
  });
  const store = ConfigStore.open(paths.store(name), sealer);
  const audit = AuditFile.open(paths.audit(name), name);
  const record = (action: 'part.start' | 'part.stop') =>
    audit.append({
      action,
      actor: { kind: 'part', id: name },
      target: { kind: 'host', id: config.name },
      outcome: 'success',
      detail: { pid: process.pid },
    });
  record('part.start');
  const close = () => {
    record('part.stop');
    store[Symbol.dispose]();
    audit[Symbol.dispose]();
    lock[Symbol.dispose]();
  };
  return { config, paths, seal: choice.seal, store, audit, log, close };
}

/** JSON lines on standard output; nothing secret ever reaches it, since secrets print as `[secret]`. */
export const logger = (part: string): Logger =>
  pino({ level: process.env.VOUCHSAFE_LOG_LEVEL ?? 'info', base: { part } }, pino.destination({ fd: 1, sync: true }));

/**
 * Lets the heap of a part grow by half of what lives in it before it is tidied, where V8 would wait for a multiple: a
 * Trust Authority host for ten thousand others shall fit beside other things. It costs some percent of the work.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=50');
  setFlagsFromString('--semi-space-growth-factor=1');
}
