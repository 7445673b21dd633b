import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';
import { type Authority, createAuthority } from '@vouchsafe/domain/x509/authority';
import { parseCertificate, parsePrivateKey, privateKeyPem } from '@vouchsafe/domain/x509/pem';
import type { KmsLayout } from './layout.ts';

const day = 86_400_000;
/** Ten years: clients pin the authority or the certificate, so that a change is an outage. */
const lifetime = 3650 * day;
/** Clocks of clients may be behind. */
const slack = day;

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

/** Writes a file for its owner alone. @throws {Problem} `disk.full`, `file.unreadable` naming the file */
export function write(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flush: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const kind = code === 'ENOSPC' || code === 'EDQUOT' ? 'disk.full' : 'file.unreadable';
    throw new Problem(kind, `${path}: ${message}`, { cause });
  }
}
