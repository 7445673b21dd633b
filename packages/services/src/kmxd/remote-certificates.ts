import { X509Certificate } from 'node:crypto';
import { fingerprint } from '@vouchsafe/domain/x509/pem';
import {
  fetchServerCertificate,
  type SeenCertificate,
  type SeenServer,
} from '@vouchsafe/kmip/client/server-certificate';
import type { Provider } from './configuration.ts';
import { connectionTimeout, kmipServers } from './kmip-source.ts';

/** What a key server shows to whoever connects, before anybody believes it. */
export interface RemoteCertificate {
  readonly server_name: string;
  /** PEM; not there when it could not be fetched. */
  readonly certificate?: string;
  /** SHA-256 over the DER, 64 hexadecimal digits: what people compare. */
  readonly fingerprint?: string;
  readonly subject?: string;
  readonly issuer?: string;
  /** ISO 8601. */
  readonly expires?: string;
  /** Whether a connection to it would be trusted by what is configured. */
  readonly trusted: boolean;
  readonly error_messages: readonly string[];
}

/** Connects to every key server of a provider, without our certificate, and tells what each shows. */
export async function remoteCertificates(provider: Provider): Promise<RemoteCertificate[]> {
  const timeout = 1000 * (provider.connection_timeout ?? connectionTimeout);
  return await Promise.all(
    kmipServers(provider).map(async (server, i): Promise<RemoteCertificate> => {
      const server_name = provider.servers[i]?.name ?? '';
      try {
        return { server_name, ...told(await fetchServerCertificate({ ...server, timeout }), provider) };
      } catch (error) {
        return { server_name, trusted: false, error_messages: [(error as Error).message] };
      }
    }),
  );
}

function told({ chain, nameMismatch }: SeenServer, provider: Provider): Omit<RemoteCertificate, 'server_name'> {
  const [shown, ...others] = chain;
  if (shown === undefined) return { trusted: false, error_messages: ['the server shows no certificate'] };
  const { pem, subject, issuer, notAfter } = shown;
  return {
    certificate: pem,
    fingerprint: fingerprint(new X509Certificate(pem)),
    subject,
    issuer,
    expires: notAfter.toISOString(),
    trusted: isTrusted(shown, others, provider.trusted_certificates, nameMismatch === undefined),
    error_messages: [],
  };
}

/** Exactly one of them; or issued by one of them, through what came with it, for this name, now. */
function isTrusted(
  shown: SeenCertificate,
  sent: readonly SeenCertificate[],
  trusted: readonly string[],
  named: boolean,
) {
  const authorities = trusted.map((pem) => new X509Certificate(pem));
  const leaf = new X509Certificate(shown.pem);
  if (authorities.some(({ fingerprint256 }) => fingerprint256 === leaf.fingerprint256)) return true;
  const now = new Date();
  if (!named || shown.notBefore > now || shown.notAfter < now) return false;
  let last = leaf;
  for (const next of [leaf, ...sent.map(({ pem }) => new X509Certificate(pem))]) {
    if (next !== leaf && !signedBy(last, next)) return false;
    if (authorities.some((authority) => signedBy(next, authority))) return true;
    last = next;
  }
  return false;
}

const signedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
