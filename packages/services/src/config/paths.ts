import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { HostConfig } from './host.ts';
import { makeFolder } from './make-folder.ts';

/** The parts that run on a host. */
export const hostParts = ['attestd', 'kmxd', 'kmxa', 'proxy'] as const;
export type HostPart = (typeof hostParts)[number];

/** Every file and socket of a host in one place. */
export function pathsOf({ state, run }: Pick<HostConfig, 'state' | 'run'>) {
  return {
    /** Service socket of a part: what the proxy forwards to. */
    service: (part: HostPart | 'host') => join(run, `${part}.sock`),
    /** Administrator's socket of a part: root only. */
    admin: (part: HostPart | 'host') => join(run, `${part}-admin.sock`),
    /** Where a part has its certificates signed; one socket a part, so a part gets its own role only. */
    certify: (part: HostPart) => join(run, `host-${part}.sock`),
    /** The libvirt hook's socket. */
    hook: join(run, 'hook.sock'),
    store: (part: HostPart | 'host') => join(state, part, `${part}.db`),
    /** Held by the one process that may write to store and audit file. */
    lock: (part: HostPart | 'host') => join(state, part, 'lock'),
    key: (part: HostPart | 'host') => join(state, 'keys', `${part}.key`),
    /** The same, when the TPM of the host seals it. */
    sealedKey: (part: HostPart | 'host') => join(state, 'keys', `${part}.key.tpm`),
    audit: (part: HostPart | 'host') => join(state, 'audit', `${part}.jsonl`),
    /** Kept evidence of attestations. */
    evidence: join(state, 'attestd', 'evidence'),
    log: (part: HostPart) => join(state, 'log', `${part}.log`),
    groupCa: join(state, 'group-ca.pem'),
  };
}
export type Paths = ReturnType<typeof pathsOf>;

/** Makes the folders of a part; all of them are for their owner only. */
export function makeFolders({ state, run }: Pick<HostConfig, 'state' | 'run'>, part: HostPart | 'host'): void {
  makeFolder(run);
  // Somebody else may have made it, with other eyes on it.
  chmodSync(run, 0o700);
  for (const folder of [part, 'keys', 'audit', 'log']) makeFolder(join(state, folder));
}
