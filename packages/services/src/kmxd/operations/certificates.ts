import { Secret } from '@vouchsafe/bytes/secret';
import { certificateOf } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import { fingerprint } from '@vouchsafe/domain/x509/pem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import {
  issuedPair,
  refuseMismatch,
  requestPair,
  selfSignedPair,
  subjectOf,
  waitingRequest,
} from '../client-certificates.ts';
import type { Provider } from '../configuration.ts';
import { remoteCertificates } from '../remote-certificates.ts';
import type { KmxdContext } from './context.ts';

const closed = { additionalProperties: false } as const;
const Pem = Type.String({ maxLength: 32768 });
const ClientCertificate = Type.Object({ certificate: Pem, private_key: Type.Optional(Pem) }, closed);
const NewCertificate = Type.Object(
  { issued_by: Type.Optional(Type.Union([Type.Literal('itself'), Type.Literal('own-ca')])) },
  closed,
);
const Trusted = Type.Object({ certificates: Type.Array(Pem, { maxItems: 32 }) }, closed);
const Fingerprint = Type.Object({ fingerprint: Type.String({ pattern: '^[0-9a-fA-F:]{64,95}$' }) }, closed);
const Credential = Type.Object({ password: Type.String({ minLength: 1, maxLength: 1024 }) }, closed);

const path = '/kms/providers/:provider';
const otherRequest = 'certificate: does not answer the last request, it is for another key';

/** How a provider and its key servers trust each other, in each of the ways that makers of key servers ask for. */
export const certificateOperations = (context: KmxdContext): Operation[] => [
  ...clientOperations(context),
  ...serverOperations(context),
];

const clientOperations = ({ providers, host, now, ...context }: KmxdContext): Operation[] => {
  const record = ({ id }: Provider, detail: Record<string, unknown>, change: () => void) =>
    recorded(context, changed('config.change', 'provider', id, detail), change);
  const shown = ({ client_certificate, client_ca }: Provider) => ({
    certificate: client_certificate,
    ...(client_ca === undefined ? {} : { ca: client_ca }),
  });
  return [
    operation(
      {
        name: 'kms.providers.client-certificate.create',
        method: 'POST',
        path: `${path}/client-certificate`,
        grant: 'SECURITY_MGMT',
        summary: 'Make a new key with a certificate, signed by itself or by a CA of ours that the key server is given',
        body: NewCertificate,
      },
      async ({ issued_by = 'itself' }, { params: { provider = '' } }) => {
        const found = providers.get(provider);
        const [subject, at] = [subjectOf(host, found), new Date(now() * 1000)];
        const made = issued_by === 'itself' ? selfSignedPair(subject, at) : issuedPair(subject, found, providers, at);
        const { certificate, key, more, caKey } = await made;
        using _key = key;
        using _ca = caKey;
        record(found, { client_certificate: fingerprint(certificateOf(certificate, 'certificate')), issued_by }, () => {
          if (caKey !== undefined) providers.putSecret(found.id, 'ca-key', caKey);
          providers.setClientCertificate(providers.get(found.id), certificate, key, more);
        });
        return shown(providers.get(found.id));
      },
    ),
    operation(
      {
        name: 'kms.providers.client-certificate.set',
        method: 'PUT',
        path: `${path}/client-certificate`,
        grant: 'SECURITY_MGMT',
        summary: 'Set the certificate that the key server knows, with its key; without one it answers the last request',
        body: ClientCertificate,
      },
      ({ certificate, private_key }, { params: { provider = '' } }) => {
        const found = providers.get(provider);
        const requested = private_key === undefined;
        using key = requested ? providers.secret(found.id, 'csr-key') : Secret.take(Buffer.from(private_key));
        if (key === undefined)
          throw new Problem('input.invalid', 'private_key: is needed, since no certificate was requested');
        refuseMismatch(certificate, key, requested ? otherRequest : 'private_key: does not belong to the certificate');
        const detail = { client_certificate: fingerprint(certificateOf(certificate, 'certificate')), requested };
        record(found, detail, () => {
          providers.setClientCertificate(found, certificate, key);
          if (requested) providers.deleteSecret(found.id, 'csr-key');
        });
      },
    ),
    query(
      {
        name: 'kms.providers.client-certificate.get',
        method: 'GET',
        path: `${path}/client-certificate`,
        grant: 'READ_ONLY',
        summary: 'Show the client certificate, and the CA that issued it when that is ours',
      },
      ({ params: { provider = '' } }) => shown(providers.get(provider)),
    ),
    query(
      {
        name: 'kms.providers.client-certificate.csr.create',
        method: 'POST',
        path: `${path}/client-certificate/csr`,
        grant: 'SECURITY_MGMT',
        summary: 'Make a new key and the request for its certificate; a request from before counts no more',
      },
      async ({ params: { provider = '' } }) => {
        const found = providers.get(provider);
        const { csr, key } = await requestPair(subjectOf(host, found));
        using _key = key;
        record(found, { client_certificate: 'requested' }, () => providers.putSecret(found.id, 'csr-key', key));
        return { csr };
      },
    ),
    query(
      {
        name: 'kms.providers.client-certificate.csr.get',
        method: 'GET',
        path: `${path}/client-certificate/csr`,
        grant: 'READ_ONLY',
        summary: 'Show the certificate request that waits for its answer',
      },
      async ({ params: { provider = '' } }) => {
        const found = providers.get(provider);
        return await waitingRequest(subjectOf(host, found), found, providers);
      },
    ),
    operation(
      {
        name: 'kms.providers.credential.set',
        method: 'PUT',
        path: `${path}/credential`,
        grant: 'SECURITY_MGMT',
        summary: 'Set the password that goes with the user name of the provider; it is never shown',
        body: Credential,
      },
      ({ password }, { params: { provider = '' } }) => {
        const found = providers.get(provider);
        using secret = Secret.take(Buffer.from(password));
        record(found, { credential: true }, () => providers.putSecret(found.id, 'password', secret));
      },
    ),
  ];
};

const serverOperations = ({ providers, ...context }: KmxdContext): Operation[] => {
  const trust = (found: Provider, certificates: string[]) => {
    const fingerprints = certificates.map((pem, i) => fingerprint(certificateOf(pem, `certificates[${i}]`)));
    const entry = changed('config.change', 'provider', found.id, { trusted_certificates: fingerprints });
    recorded(context, entry, () => providers.put({ ...found, trusted_certificates: certificates }));
  };
  return [
    operation(
      {
        name: 'kms.providers.server-certificates.set',
        method: 'PUT',
        path: `${path}/server-certificates`,
        grant: 'SECURITY_MGMT',
        summary: 'Trust these certificates of key servers, or of their CAs, and no others',
        body: Trusted,
      },
      ({ certificates }, { params: { provider = '' } }) => trust(providers.get(provider), certificates),
    ),
    query(
      {
        name: 'kms.providers.server-certificates.get',
        method: 'GET',
        path: `${path}/server-certificates`,
        grant: 'READ_ONLY',
        summary: 'Show the trusted certificates of key servers',
      },
      ({ params: { provider = '' } }) => ({ certificates: providers.get(provider).trusted_certificates }),
    ),
    query(
      {
        name: 'kms.providers.server-certificates.remote.get',
        method: 'GET',
        path: `${path}/server-certificates/remote`,
        grant: 'READ_ONLY',
        summary: 'Connect to each key server and show the certificate that it shows, trusted or not',
      },
      ({ params: { provider = '' } }) => remoteCertificates(providers.get(provider)),
    ),
    operation(
      {
        name: 'kms.providers.server-certificates.trust',
        method: 'POST',
        path: `${path}/server-certificates/trust`,
        grant: 'SECURITY_MGMT',
        summary:
          'Trust the certificate with this fingerprint that a key server shows now, beside those trusted already',
        body: Fingerprint,
      },
      async ({ fingerprint: wanted }, { params: { provider = '' } }) => {
        const found = providers.get(provider);
        const plain = wanted.replaceAll(':', '').toLowerCase();
        const shown = await remoteCertificates(found);
        const match = shown.find((each) => each.fingerprint === plain);
        if (match?.certificate === undefined) {
          const others = shown.map(
            (each) => `${each.server_name}: ${each.fingerprint ?? each.error_messages.join('; ')}`,
          );
          throw new Problem('input.invalid', `fingerprint: no key server shows this certificate; ${others.join('; ')}`);
        }
        const now = providers.get(found.id);
        const kept = now.trusted_certificates.filter((pem) => fingerprint(certificateOf(pem, 'certificate')) !== plain);
        trust(now, [...kept, match.certificate]);
        return match;
      },
    ),
  ];
};
