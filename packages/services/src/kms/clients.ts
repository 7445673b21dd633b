import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';
import { issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { fingerprint, parseCertificate, privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { makeFolder } from '../config/make-folder.ts';
import { openAuthority, validityFrom } from './authority.ts';
import { kmsLayout, makeKmsFolders } from './layout.ts';
import { openStore } from './root-key/open-store.ts';
import type { KmsClient } from './store.ts';

/** The files that a client needs. */
export interface ClientFiles {
  readonly certificate: string;
  /** Mode 0600. */
  readonly key: string;
  readonly authority: string;
  readonly fingerprint: string;
}

/**
 * Admits a new client: issues its certificate and writes `NAME.crt`, `NAME.key` and `ca.crt`. The server may be running
 * or not, and need not have been started before.
 *
 * @throws {Problem} `input.invalid` when the name cannot be a file's, `object.exists` when it is taken
 */
export async function addKmsClient(options: {
  readonly dataDir: string;
  readonly name: string;
  readonly outDir: string;
  readonly now?: () => Date;
}): Promise<ClientFiles> {
  const { name, outDir } = options;
  const now = (options.now ?? (() => new Date()))();
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) || name === 'ca')
    throw new Problem('input.invalid', `${name}: expected up to 64 letters, digits, dots, dashes and underscores`);
  const layout = kmsLayout(options.dataDir);
  makeKmsFolders(layout);
  const authority = await openAuthority(layout, now);
  const pair = newKeyPair();
  const certificate = await issue({
    authority,
    publicKey: pair.publicKey,
    subject: name,
    sans: { dns: [name] },
    usages: ['client'],
    ...validityFrom(now),
  });
  const client = { fingerprint: fingerprint(parseCertificate(certificate)), name, certificate, added: now };
  const files = {
    certificate: join(outDir, `${name}.crt`),
    key: join(outDir, `${name}.key`),
    authority: join(outDir, 'ca.crt'),
  };
  using store = await openStore(layout);
  store.transaction(() => {
    if (store.clients().some((other) => other.name === name))
      throw new Problem('object.exists', `${name}: there is a client of this name already`);
    store.addClient(client);
    writeFiles(outDir, files, {
      certificate,
      key: privateKeyPem(pair.privateKey),
      authority: authority.certificatePem,
    });
  });
  return { ...files, fingerprint: client.fingerprint };
}

/** All clients that may talk to the server. */
export async function listKmsClients(dataDir: string): Promise<KmsClient[]> {
  using store = await openStore(kmsLayout(dataDir));
  return store.clients();
}

/** Shuts a client out, at once. Its objects stay, and nobody reads them. Says whether there was such a client. */
export async function removeKmsClient(dataDir: string, name: string): Promise<boolean> {
  using store = await openStore(kmsLayout(dataDir));
  return store.removeClient(name);
}

function writeFiles(
  outDir: string,
  paths: Omit<ClientFiles, 'fingerprint'>,
  contents: Omit<ClientFiles, 'fingerprint'>,
): void {
  makeFolder(outDir);
  try {
    writeFileSync(paths.key, contents.key, { mode: 0o600, flag: 'wx', flush: true });
    writeFileSync(paths.certificate, contents.certificate, { mode: 0o644, flag: 'wx', flush: true });
    writeFileSync(paths.authority, contents.authority, { mode: 0o644, flush: true });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      for (const path of [paths.key, paths.certificate]) rmSync(path, { force: true });
    throw new Problem('file.unreadable', `${outDir}: ${(cause as Error).message}`, { cause });
  }
}
