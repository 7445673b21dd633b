import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';
import { type Authority, createAuthority, issue, newKeyPair } from '@vouchsafe/domain/x509/authority';
import { certificateFacts } from '@vouchsafe/domain/x509/facts';
import { parseCertificate, parsePrivateKey, privateKeyPem } from '@vouchsafe/domain/x509/pem';
import type { KmsLayout } from './layout.ts';

const day = 86_400_000;
/** Ten years: clients pin the authority or the certificate, so that a change is an outage. */
const lifetime = 3650 * day;
/** Clocks of clients may be behind. */
const slack = day;
const renewal = 30 * day;

/** From and until when a certificate made now holds. */
export const validityFrom = (now: Date) => ({
  notBefore: new Date(now.getTime() - slack),
  notAfter: new Date(now.getTime() + lifetime),
});

/** The key server's own authority, made on the first call. Two processes that call at once get the same one. */
export async function openAuthority(layout: KmsLayout, now: Date): Promise<Authority> {
  if (!existsSync(layout.authority.folder)) await makeAuthority(layout, now);
  const { certificate, key } = layout.authority;
  const privateKey = reading(key, 'private key', (pem) => parsePrivateKey(pem));
  const certificatePem = reading(certificate, 'certificate', (pem) => {
    if (parseCertificate(pem).checkPrivateKey(privateKey)) return pem;
    throw new Problem('file.unreadable', `${certificate}: it is not the certificate of ${key}; restore both`);
  });
  return { certificatePem, privateKey };
}

/** Reads a PEM file of ours. @throws {Problem} `file.unreadable` naming the file */
function reading<T>(path: string, what: string, read: (pem: string) => T): T {
  const pem = readFileSync(path, 'utf8');
  try {
    return read(pem);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('file.unreadable', `${path}: no ${what} in PEM; restore it from a copy`, { cause });
  }
}

async function makeAuthority(layout: KmsLayout, now: Date): Promise<void> {
  const made = await createAuthority({ name: `Vouchsafe key server ${hostname()}`, ...validityFrom(now) });
  const folder = mkdtempSync(join(layout.dataDir, 'ca-'));
  try {
    write(join(folder, 'ca.key'), privateKeyPem(made.privateKey));
    write(join(folder, 'ca.crt'), made.certificatePem);
    renameSync(folder, layout.authority.folder);
  } catch (error) {
    rmSync(folder, { recursive: true });
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}

/** Certificate and key of the server in PEM. */
export interface ServerIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** The server's certificate, made anew when it is missing, near its end, or lacks a name that it is reached by. */
export async function openServerIdentity(
  layout: KmsLayout,
  authority: Authority,
  listenHost: string,
  now: Date,
): Promise<ServerIdentity> {
  const sans = namesOf(listenHost);
  if (!serves(layout, sans, now)) {
    const pair = newKeyPair();
    const order = { authority, publicKey: pair.publicKey, subject: hostname(), sans, usages: ['server'] as const };
    const certificate = await issue({ ...order, ...validityFrom(now) });
    replace(layout.server.key, privateKeyPem(pair.privateKey));
    replace(layout.server.certificate, certificate);
  }
  return {
    certificate: readFileSync(layout.server.certificate, 'utf8'),
    key: readFileSync(layout.server.key, 'utf8'),
  };
}

function namesOf(listenHost: string) {
  const everywhere = ['0.0.0.0', '::', ''].includes(listenHost);
  const given = everywhere ? [] : [listenHost];
  return {
    dns: [...new Set(['localhost', hostname(), ...given.filter((name) => isIP(name) === 0)])],
    ip: [...new Set(['127.0.0.1', '::1', ...given.filter((name) => isIP(name) !== 0)])],
  };
}

function serves(layout: KmsLayout, wanted: ReturnType<typeof namesOf>, now: Date): boolean {
  if (!existsSync(layout.server.certificate) || !existsSync(layout.server.key)) return false;
  const { certificate, sans } = reading(layout.server.certificate, 'certificate', (pem) => ({
    certificate: parseCertificate(pem),
    ...certificateFacts(pem),
  }));
  return (
    certificate.checkPrivateKey(reading(layout.server.key, 'private key', parsePrivateKey)) &&
    certificate.validToDate.getTime() - now.getTime() > renewal &&
    wanted.dns.every((name) => sans.dns.includes(name)) &&
    wanted.ip.every((address) => sans.ip.includes(address))
  );
}

function replace(path: string, text: string): void {
  write(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** @throws {Problem} `disk.full`, `file.unreadable` naming the file */
function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flush: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk.full' : 'file.unreadable';
    throw new Problem(kind, `${path}: ${message}`, { cause });
  }
}
