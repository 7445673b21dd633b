import { Secret } from '@vouchsafe/bytes/secret';
import { certificateOf } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import { createAuthority, issue, newKeyPair, selfSigned } from '@vouchsafe/domain/x509/authority';
import { parsePrivateKey, privateKeyPem, publicHalf } from '@vouchsafe/domain/x509/pem';
import { createRequest } from '@vouchsafe/domain/x509/request';
import type { Provider, ProviderConfiguration } from './configuration.ts';

const day = 24 * 3600 * 1000;
/** Key servers know a self-signed certificate by itself: a new one is work for somebody there. */
const selfSignedLifetime = 5 * 365 * day;
const caLifetime = 10 * 365 * day;
/** One that our CA issued is replaced without them. */
const issuedLifetime = 397 * day;

/** Who the key server sees: each host and each provider has a certificate of its own. */
export const subjectOf = (host: string, { name }: Provider): string => `vouchsafe ${host} ${name}`.slice(0, 64);

export const secretOf = (pem: string): Secret => Secret.take(Buffer.from(pem));

/** A new key with a certificate, and what else of the provider changes with it. */
export interface NewCertificate {
  readonly certificate: string;
  readonly key: Secret;
  readonly more: Partial<Provider>;
  /** The key of a CA that was made with it. */
  readonly caKey?: Secret;
}

/** A key with a certificate that it signed itself. */
export async function selfSignedPair(subject: string, now: Date): Promise<NewCertificate> {
  const { privateKey } = newKeyPair();
  const certificate = await selfSigned({
    subject,
    privateKey,
    usages: ['client'],
    ...lasting(now, selfSignedLifetime),
  });
  return { certificate, key: secretOf(privateKeyPem(privateKey)), more: {} };
}

/** A key with a certificate of the provider's own CA, which is made when there is none. */
export async function issuedPair(
  subject: string,
  provider: Provider,
  providers: ProviderConfiguration,
  now: Date,
): Promise<NewCertificate> {
  const { privateKey, publicKey } = newKeyPair();
  using kept = providers.secret(provider.id, 'ca-key');
  const there = kept !== undefined && provider.client_ca !== undefined;
  const authority = there
    ? { certificatePem: provider.client_ca ?? '', privateKey: kept.use((bytes) => parsePrivateKey(Buffer.from(bytes))) }
    : await createAuthority({ name: `CA of ${subject}`.slice(0, 64), ...lasting(now, caLifetime) });
  const order = { authority, subject, publicKey, usages: ['client'] as const, ...lasting(now, issuedLifetime) };
  return {
    certificate: await issue(order),
    key: secretOf(privateKeyPem(privateKey)),
    more: { client_ca: authority.certificatePem },
    ...(there ? {} : { caKey: secretOf(privateKeyPem(authority.privateKey)) }),
  };
}

/** A key and the request for its certificate (PKCS#10). */
export async function requestPair(subject: string): Promise<{ csr: string; key: Secret }> {
  const { privateKey } = newKeyPair();
  return { csr: await createRequest({ subject, privateKey }), key: secretOf(privateKeyPem(privateKey)) };
}

/** The request for the key that waits for its certificate. @throws {Problem} `object.unknown` */
export async function waitingRequest(subject: string, provider: Provider, providers: ProviderConfiguration) {
  using key = providers.secret(provider.id, 'csr-key');
  if (key === undefined) throw new Problem('object.unknown', `provider ${provider.name}: no certificate was requested`);
  return { csr: await createRequest({ subject, privateKey: key.use((bytes) => parsePrivateKey(Buffer.from(bytes))) }) };
}

/** @throws {Problem} `input.malformed` when it is no key, `input.invalid` when it is another one */
export function refuseMismatch(certificate: string, privateKey: Secret, otherwise: string): void {
  const { publicKey } = certificateOf(certificate, 'certificate');
  let ours: ReturnType<typeof publicHalf>;
  try {
    ours = publicHalf(privateKey.use((bytes) => parsePrivateKey(Buffer.from(bytes))));
  } catch {
    // The cause is left out: messages of the parser could quote the key.
    throw new Problem('input.malformed', 'private_key: expected an unencrypted private key in PEM');
  }
  if (!ours.equals(publicKey)) throw new Problem('input.invalid', otherwise);
}

const lasting = (now: Date, lifetime: number) => ({
  notBefore: new Date(now.getTime() - 300_000),
  notAfter: new Date(now.getTime() + lifetime),
});
