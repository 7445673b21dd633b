import { fingerprint, parseCertificate } from '@vouchsafe/domain/x509/pem';
import { openAuthority } from './authority.ts';
import { listKmsClients } from './clients.ts';
import { kmsLayout } from './layout.ts';
import { readIdentity } from './server-certificate.ts';

/** How long a certificate still holds; `expiring` for the last 30 days. */
export interface CertificateStatus {
  /** Whose it is: `authority`, `server` or `client NAME`. */
  readonly of: string;
  readonly status: 'ok' | 'expiring' | 'expired';
  readonly expires: Date;
  readonly fingerprint: string;
}

const day = 86_400_000;

/** The certificates of a key server and of its clients, the one that ends first first. @throws {Problem} */
export async function kmsStatus(dataDir: string, now = new Date()): Promise<CertificateStatus[]> {
  const layout = kmsLayout(dataDir);
  const clients = await listKmsClients(dataDir);
  const authority = await openAuthority(layout, now);
  const own = parseCertificate(authority.certificatePem);
  const server = readIdentity(layout.server.file, authority, now);
  const found = [
    { of: 'authority', expires: own.validToDate, fingerprint: fingerprint(own) },
    ...(server === undefined ? [] : [{ of: 'server', expires: server.expires, fingerprint: server.fingerprint }]),
    ...clients.flatMap(({ name, certificates }) =>
      certificates.map(({ pem, fingerprint: print }) => ({
        of: `client ${name}`,
        expires: parseCertificate(pem).validToDate,
        fingerprint: print,
      })),
    ),
  ];
  return found
    .sort((a, b) => Number(a.expires) - Number(b.expires))
    .map((each) => ({ ...each, status: statusOf(each.expires, now) }));
}

function statusOf(expires: Date, now: Date): CertificateStatus['status'] {
  if (expires < now) return 'expired';
  return Number(expires) - Number(now) < 30 * day ? 'expiring' : 'ok';
}
