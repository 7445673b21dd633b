import type { KeyObject, X509Certificate } from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { Problem } from '@vouchsafe/domain/problem';
import { type Authority, issue, newKeyPair, verifyIssued } from '@vouchsafe/domain/x509/authority';
import { certificateFacts } from '@vouchsafe/domain/x509/facts';
import { fingerprint, parseCertificate, parsePrivateKey, privateKeyPem } from '@vouchsafe/domain/x509/pem';
import { pemBlocks, pemText } from '@vouchsafe/domain/x509/pem-blocks';
import { whyWeak } from '@vouchsafe/domain/x509/public-key-info';
import { createRequest } from '@vouchsafe/domain/x509/request';
import { openAuthority, validityFrom, write } from './authority.ts';
import { type KmsLayout, kmsLayout, makeKmsFolders } from './layout.ts';

/** Certificate (with intermediates, if there are some) and key of the server in PEM. */
export interface KeyAndChain {
  readonly certificate: string;
  readonly key: string;
}

/** What the server shows itself with. */
export interface ServerIdentity extends KeyAndChain {
  /** Ours was made by the server's own authority and is renewed by itself; others are not touched. */
  readonly ours: boolean;
  readonly fingerprint: string;
  readonly expires: Date;
  /** With an RSA key, for clients that know nothing else; where such clients are served. */
  readonly legacy?: KeyAndChain;
}

/** By which names a server is reached, and by whom. */
export interface ServerNames {
  readonly listenHost: string;
  /** Further names and addresses. */
  readonly names?: readonly string[];
  /** Clients are served that know no keys but RSA. */
  readonly legacyTls?: boolean;
}

const day = 86_400_000;
/** How long before its end our own certificate is made anew. */
const renewal = 30 * day;

/**
 * The server's certificate. One of ours is made anew when it is missing, near its end, or lacks a name that the server
 * is to be reached by; one that was installed stays as it is, even when it ended: see `kms status`.
 *
 * @throws {Problem} `file.unreadable` when a file is there and is not what it should be
 */
export async function openServerIdentity(
  layout: KmsLayout,
  authority: Authority,
  { listenHost, names = [], legacyTls = false }: ServerNames,
  now: Date,
): Promise<ServerIdentity> {
  const wanted = namesOf(listenHost, names);
  const sans = { dns: wanted.dns, ip: [...new Set([...wanted.ip, ...ownAddresses(listenHost)])] };
  const has = readIdentity(layout.server.file, authority, now);
  if (has === undefined || (has.ours && !serves(has, wanted, now)))
    await makeIdentity(layout.server.file, authority, sans, newKeyPair(), now);
  const identity = readIdentity(layout.server.file, authority, now)!;
  if (!legacyTls) return identity;
  const old = readIdentity(layout.server.legacy, authority, now);
  if (old === undefined || !serves(old, wanted, now)) {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await makeIdentity(layout.server.legacy, authority, sans, pair, now);
  }
  const { certificate, key } = readIdentity(layout.server.legacy, authority, now)!;
  return { ...identity, legacy: { certificate, key } };
}

/** The server's certificate as it stands; nothing when none was made yet. @throws {Problem} `file.unreadable` */
export function readIdentity(path: string, authority: Authority, now: Date): ServerIdentity | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, 'utf8');
  try {
    const privateKey = parsePrivateKey(text);
    const certificate = certificatesOf(text);
    const leaf = parseCertificate(certificate);
    if (!leaf.checkPrivateKey(privateKey)) throw new Error('its certificate is not that of its key');
    // Whose it is does not change when it ends.
    const at = new Date(Math.min(Math.max(now.getTime(), Number(leaf.validFromDate)), Number(leaf.validToDate)));
    const ours = verifyIssued(leaf.toString(), authority.certificatePem, at).issued;
    return {
      certificate,
      key: privateKeyPem(privateKey),
      ours,
      fingerprint: fingerprint(leaf),
      expires: leaf.validToDate,
    };
  } catch (cause) {
    const why = 'no certificate with its private key in PEM; restore it, or remove it to have one made';
    throw new Problem('file.unreadable', `${path}: ${why}`, { cause });
  }
}

const certificatesOf = (text: string): string =>
  pemBlocks(text, 'CERTIFICATE')
    .map((der) => pemText('CERTIFICATE', der))
    .join('');

function serves({ certificate, expires }: ServerIdentity, wanted: ReturnType<typeof namesOf>, now: Date): boolean {
  const { sans } = certificateFacts(certificate);
  return (
    expires.getTime() - now.getTime() > renewal &&
    wanted.dns.every((name) => sans.dns.includes(name)) &&
    wanted.ip.every((address) => sans.ip.includes(address))
  );
}

async function makeIdentity(
  path: string,
  authority: Authority,
  sans: ReturnType<typeof namesOf>,
  pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  now: Date,
): Promise<void> {
  const order = { authority, publicKey: pair.publicKey, subject: hostname(), sans, usages: ['server'] as const };
  const certificate = await issue({ ...order, ...validityFrom(now) });
  replace(path, `${privateKeyPem(pair.privateKey)}${certificate}`);
}

const isEverywhere = (host: string) => ['0.0.0.0', '::', ''].includes(host);

function namesOf(listenHost: string, names: readonly string[]) {
  const given = [...(isEverywhere(listenHost) ? [] : [listenHost]), ...names];
  return {
    dns: [...new Set(['localhost', hostname(), ...given.filter((name) => isIP(name) === 0)])],
    ip: [...new Set(['127.0.0.1', '::1', ...given.filter((name) => isIP(name) !== 0)])],
  };
}

/**
 * Addresses of this machine, for a server that listens on all of them. A certificate is not made anew when they change:
 * clients may have pinned it.
 */
function ownAddresses(listenHost: string): string[] {
  if (!isEverywhere(listenHost)) return [];
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0).map(({ address }) => address);
}

/** Writes a file as a whole or not at all. @throws {Problem} */
function replace(path: string, text: string): void {
  write(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Which server, and the clock. */
interface OfServer {
  readonly dataDir: string;
  readonly now?: () => Date;
}

/**
 * Makes a certificate request for another authority to sign. The key waits beside the server's own until
 * `installServerCertificate`; asked again, the same key is requested again.
 */
export async function requestServerCertificate({
  dataDir,
  names,
}: OfServer & { readonly names: readonly string[] }): Promise<string> {
  const layout = kmsLayout(dataDir);
  makeKmsFolders(layout);
  const { dns, ip } = {
    dns: names.filter((name) => isIP(name) === 0),
    ip: names.filter((name) => isIP(name) !== 0),
  };
  const subject = names[0];
  if (subject === undefined) throw new Problem('input.invalid', 'name the server: by which names do clients reach it?');
  if (!existsSync(layout.server.requested)) replace(layout.server.requested, privateKeyPem(newKeyPair().privateKey));
  const privateKey = parsePrivateKey(readFileSync(layout.server.requested));
  return createRequest({ subject, privateKey, sans: { dns, ip } });
}

/**
 * Puts a certificate of another authority into place: PEM, the server's own first, intermediates after it. A running
 * server shows it from then on.
 *
 * @param key its private key; one that the server made when left out
 * @throws {Problem} `input.malformed`, `input.invalid` when it is not for a key of this server, or not valid now
 */
export function installServerCertificate({
  dataDir,
  chain,
  key: given,
  now: clock = () => new Date(),
}: OfServer & { readonly chain: string; readonly key?: KeyObject }): { fingerprint: string; expires: Date } {
  const layout = kmsLayout(dataDir);
  const certificate = certificatesOf(chain);
  const leaf = leafOf(certificate);
  const now = clock();
  if (leaf.validFromDate > now || leaf.validToDate < now)
    throw new Problem(
      'input.invalid',
      `the certificate holds from ${leaf.validFromDate.toISOString()} to ${leaf.validToDate.toISOString()}, not now`,
    );
  const weak = whyWeak(leaf.publicKey);
  if (weak !== undefined) throw new Problem('input.invalid', `the certificate has ${weak}`);
  const own = [layout.server.requested, layout.server.file]
    .filter((path) => existsSync(path))
    .map((path) => parsePrivateKey(readFileSync(path)));
  const key = (given === undefined ? own : [given]).find((each) => leaf.checkPrivateKey(each));
  if (key === undefined)
    throw new Problem(
      'input.invalid',
      'the first certificate is for another key: expected that of the server, made from its last request or given with its key',
    );
  replace(layout.server.file, `${privateKeyPem(key)}${certificate}`);
  rmSync(layout.server.requested, { force: true });
  return { fingerprint: fingerprint(leaf), expires: leaf.validToDate };
}

function leafOf(certificates: string): X509Certificate {
  try {
    return parseCertificate(certificates);
  } catch (cause) {
    throw new Problem('input.malformed', 'expected certificates in PEM, that of the server first', { cause });
  }
}

/**
 * Has the server's own authority make a new certificate for the names of the present one and further ones, also in place
 * of one that was installed.
 */
export async function renewServerCertificate({
  dataDir,
  names = [],
  now: clock = () => new Date(),
}: OfServer & { readonly names?: readonly string[] }): Promise<{ fingerprint: string; expires: Date }> {
  const layout = kmsLayout(dataDir);
  makeKmsFolders(layout);
  const now = clock();
  const authority = await openAuthority(layout, now);
  const present = readIdentity(layout.server.file, authority, now);
  const { dns, ip } = present === undefined ? { dns: [], ip: [] } : certificateFacts(present.certificate).sans;
  const sans = namesOf('', [...dns, ...ip, ...names]);
  await makeIdentity(layout.server.file, authority, sans, newKeyPair(), now);
  const { fingerprint: print, expires } = readIdentity(layout.server.file, authority, now)!;
  return { fingerprint: print, expires };
}
