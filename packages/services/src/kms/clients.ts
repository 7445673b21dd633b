import type { KeyObject } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';
import { issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { fingerprint, parseCertificate, privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { whyWeak } from '@vouchsafe/domain/x509/public-key-info';
import { parseRequest } from '@vouchsafe/domain/x509/request';
import { makeFolder } from '../config/make-folder.ts';
import { openAuthority, validityFrom } from './authority.ts';
import type { ClientCertificate, KmsClient, RegisteredClient } from './client.ts';
import { kmsLayout, makeKmsFolders } from './layout.ts';
import { isRole, type Role, roles } from './roles.ts';
import type { KeyStore, KeyTransaction } from './store.ts';
import { openKeyStore } from './store-open.ts';

/** The files that a client needs. */
export interface ClientFiles {
  readonly certificate: string;
  /** Mode 0600. */
  readonly key: string;
  readonly authority: string;
  readonly fingerprint: string;
}

/** Which key server, and which client of it. */
export interface NamedClient {
  readonly dataDir: string;
  readonly name: string;
  readonly now?: () => Date;
}

/** Who a new client is to be. */
export interface NewClient extends NamedClient {
  /** Whose keys it works on; a scope of its own, named as the client, when left out. */
  readonly scope?: string;
  /** What it may do there; `user` when left out. */
  readonly roles?: readonly string[];
  /** User names that its credentials may carry; any when left out. */
  readonly users?: readonly string[];
}

/**
 * Admits a new client: makes its key, issues its certificate and writes `NAME.crt`, `NAME.key` and `ca.crt`. The server
 * may be running or not, and need not have been started before.
 *
 * @throws {Problem} `input.invalid` naming what cannot be, `object.exists` when the name is taken
 */
export async function addKmsClient(order: NewClient & { readonly outDir: string }): Promise<ClientFiles> {
  return admit(order, clientOf(order), await withKey(order));
}

/** As `addKmsClient`, for a client that has a key of its own: signs its certificate request (PKCS#10). */
export async function addKmsClientByRequest(
  order: NewClient & { readonly outDir: string; readonly request: string },
): Promise<Omit<ClientFiles, 'key'>> {
  return admit(order, clientOf(order), await byRequest(order));
}

/** Admits a client with a certificate that somebody else made: exactly this one, whoever issued it. */
export async function addKmsClientByCertificate(
  order: NewClient & { readonly certificate: string },
): Promise<{ fingerprint: string }> {
  return admit(order, clientOf(order), pinned(order));
}

/**
 * Gives a client another certificate with a new key. The ones it has stay good, so that it can change without a gap;
 * `removeKmsCertificate` takes them away.
 */
export async function renewKmsClient(order: NamedClient & { readonly outDir: string }): Promise<ClientFiles> {
  return addTo(order, await withKey(order));
}

/** As `renewKmsClient`, for a certificate request of the client. */
export async function renewKmsClientByRequest(
  order: NamedClient & { readonly outDir: string; readonly request: string },
): Promise<Omit<ClientFiles, 'key'>> {
  return addTo(order, await byRequest(order));
}

/** Lets a client come with one more certificate that somebody else made. */
export async function addKmsCertificate(
  order: NamedClient & { readonly certificate: string },
): Promise<{ fingerprint: string }> {
  return addTo(order, pinned(order));
}

/** All clients that may talk to the server. */
export async function listKmsClients(dataDir: string): Promise<RegisteredClient[]> {
  await using store = await openKeyStore(kmsLayout(dataDir));
  return await store.read((tx) => tx.clients());
}

/** Shuts a client out, at once. Its objects stay in their scope. Says whether there was such a client. */
export async function removeKmsClient(dataDir: string, name: string): Promise<boolean> {
  await using store = await openKeyStore(kmsLayout(dataDir));
  return await store.transaction((tx) => tx.removeClient(name));
}

/** Shuts one certificate of a client out, at once. @throws {Problem} `object.unknown` */
export async function removeKmsCertificate({ dataDir, name }: NamedClient, print: string): Promise<void> {
  await using store = await openKeyStore(kmsLayout(dataDir));
  await store.transaction(async (tx) => {
    const wanted = print.replaceAll(':', '').toLowerCase();
    const has = (await clientIn(tx, name)).certificates.filter((each) => each.fingerprint.startsWith(wanted));
    if (wanted.length < 8 || has.length !== 1)
      throw new Problem('object.unknown', `${name} has no one certificate whose fingerprint begins with ${print}`);
    await tx.removeCertificate(has[0]!.fingerprint);
  });
}

const named = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** @throws {Problem} `input.invalid` */
function clientOf(order: NewClient): KmsClient & { readonly ownScope: boolean } {
  const { name, scope = name, roles: wanted = ['user'], users = [] } = order;
  for (const [field, value] of Object.entries({ name, scope }))
    if (!named.test(value) || value === 'ca')
      throw new Problem(
        'input.invalid',
        `${field} ${value}: expected up to 64 letters, digits, dots, dashes and underscores`,
      );
  for (const role of wanted)
    if (!isRole(role))
      throw new Problem('input.invalid', `role ${role}: expected one of ${Object.keys(roles).join(', ')}`);
  if (wanted.length === 0) throw new Problem('input.invalid', 'a client without a role could do nothing');
  for (const user of users)
    if (user === '' || user.length > 255) throw new Problem('input.invalid', 'user: expected 1 to 255 characters');
  const added = (order.now ?? (() => new Date()))();
  return { name, scope, roles: [...new Set(wanted as Role[])], users, added, ownScope: order.scope === undefined };
}

/** A certificate to be entered, and what to write once it is. */
interface Credentials<Files> {
  readonly certificate: ClientCertificate;
  write(): Files;
}

async function admit<Files>(
  { dataDir, name }: NamedClient,
  { ownScope, ...client }: KmsClient & { readonly ownScope: boolean },
  { certificate, write }: Credentials<Files>,
): Promise<Files> {
  await using store = await opened(dataDir);
  return await store.transaction(async (tx) => {
    if ((await tx.clients()).some((other) => other.name === name))
      throw new Problem('object.exists', `${name}: there is a client of this name already`);
    // Keys that are left of somebody of this name must not fall to the next one by chance.
    if (ownScope && (await tx.isScope(client.scope)))
      throw new Problem(
        'object.exists',
        `${name}: there is a scope of this name already; name the scope that you mean`,
      );
    await tx.addClient(client);
    await enter(tx, client, certificate);
    return write();
  });
}

async function addTo<Files>(
  { dataDir, name }: NamedClient,
  { certificate, write }: Credentials<Files>,
): Promise<Files> {
  await using store = await opened(dataDir);
  return await store.transaction(async (tx) => {
    const client = await clientIn(tx, name);
    if (client.certificates.length >= mostCertificates)
      throw new Problem(
        'input.invalid',
        `${name} has ${mostCertificates} certificates already: remove one that it does not use any more`,
      );
    await enter(tx, client, certificate);
    return write();
  });
}

const mostCertificates = 16;

async function enter(tx: KeyTransaction, { name }: KmsClient, certificate: ClientCertificate): Promise<void> {
  const holder = await tx.client(certificate.fingerprint);
  if (holder !== undefined)
    throw new Problem('object.exists', `the certificate ${certificate.fingerprint} is that of client ${holder.name}`);
  await tx.addCertificate(name, certificate);
}

async function clientIn(tx: KeyTransaction, name: string): Promise<RegisteredClient> {
  const client = (await tx.clients()).find((each) => each.name === name);
  if (client === undefined) throw new Problem('object.unknown', `client ${name}`);
  return client;
}

function opened(dataDir: string): Promise<KeyStore> {
  const layout = kmsLayout(dataDir);
  makeKmsFolders(layout);
  return openKeyStore(layout);
}

async function withKey(order: NamedClient & { readonly outDir: string }): Promise<Credentials<ClientFiles>> {
  const pair = newKeyPair();
  const { certificate, authorityPem } = await issued(order, pair.publicKey);
  const files = {
    certificate: join(order.outDir, `${order.name}.crt`),
    key: join(order.outDir, `${order.name}.key`),
    authority: join(order.outDir, 'ca.crt'),
  };
  return {
    certificate,
    write() {
      const key = privateKeyPem(pair.privateKey);
      writeFiles(order.outDir, [
        { path: files.key, text: key, mode: 0o600 },
        { path: files.certificate, text: certificate.pem, mode: 0o644 },
        { path: files.authority, text: authorityPem, mode: 0o644, replace: true },
      ]);
      return { ...files, fingerprint: certificate.fingerprint };
    },
  };
}

async function byRequest(
  order: NamedClient & { readonly outDir: string; readonly request: string },
): Promise<Credentials<Omit<ClientFiles, 'key'>>> {
  const { certificate, authorityPem } = await issued(order, await requestedKey(order.request));
  const files = {
    certificate: join(order.outDir, `${order.name}.crt`),
    authority: join(order.outDir, 'ca.crt'),
  };
  return {
    certificate,
    write() {
      writeFiles(order.outDir, [
        { path: files.certificate, text: certificate.pem, mode: 0o644 },
        { path: files.authority, text: authorityPem, mode: 0o644, replace: true },
      ]);
      return { ...files, fingerprint: certificate.fingerprint };
    },
  };
}

/** Nothing of a request but its key is used: what it says of itself is nobody's word. */
async function requestedKey(request: string): Promise<KeyObject> {
  try {
    const { publicKey } = await parseRequest(request);
    refuseWeak(publicKey);
    return publicKey;
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('input.malformed', (cause as Error).message, { cause });
  }
}

async function issued({ dataDir, name, now: clock = () => new Date() }: NamedClient, publicKey: KeyObject) {
  const layout = kmsLayout(dataDir);
  makeKmsFolders(layout);
  const now = clock();
  const authority = await openAuthority(layout, now);
  const pem = await issue({
    authority,
    publicKey,
    subject: name,
    sans: { dns: [name] },
    usages: ['client'],
    ...validityFrom(now),
  });
  const certificate = { fingerprint: fingerprint(parseCertificate(pem)), pem, added: now };
  return { certificate, authorityPem: authority.certificatePem };
}

/** @throws {Problem} `input.malformed`, `input.invalid` when it never lets its owner in */
function pinned(order: NamedClient & { readonly certificate: string }): Credentials<{ fingerprint: string }> {
  const added = (order.now ?? (() => new Date()))();
  let certificate: ReturnType<typeof parseCertificate>;
  try {
    certificate = parseCertificate(order.certificate);
  } catch (cause) {
    throw new Problem('input.malformed', 'expected a certificate in PEM', { cause });
  }
  refuseWeak(certificate.publicKey);
  if (certificate.validToDate < added)
    throw new Problem('input.invalid', `the certificate ended at ${certificate.validToDate.toISOString()}`);
  const print = fingerprint(certificate);
  return {
    certificate: { fingerprint: print, pem: certificate.toString(), added },
    write: () => ({ fingerprint: print }),
  };
}

function refuseWeak(key: KeyObject): void {
  const weak = whyWeak(key);
  if (weak !== undefined) throw new Problem('input.invalid', `the certificate has ${weak}`);
}

interface Wanted {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** It may be there already; the others must not. */
  readonly replace?: boolean;
}

/** Writes all files or none. @throws {Problem} `file.unreadable` */
function writeFiles(folder: string, files: readonly Wanted[]): void {
  makeFolder(folder);
  const written: string[] = [];
  try {
    for (const { path, text, mode, replace = false } of files) {
      if (!replace) written.push(path);
      writeFileSync(path, text, { mode, flag: replace ? 'w' : 'wx', flush: true });
    }
  } catch (cause) {
    // What was there before is not ours to remove; half of a file is.
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') written.pop();
    for (const path of written) rmSync(path, { force: true });
    throw new Problem('file.unreadable', `${folder}: ${(cause as Error).message}`, { cause });
  }
}
