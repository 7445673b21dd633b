import { createPrivateKey, createPublicKey } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { certificateOf } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { KmxdContext } from './context.ts';

const Pem = Type.String({ maxLength: 32768 });
const ClientCertificate = Type.Object({ certificate: Pem, private_key: Pem }, { additionalProperties: false });
const Trusted = Type.Object({ certificates: Type.Array(Pem, { maxItems: 32 }) }, { additionalProperties: false });

/** How a provider and its key servers trust each other. */
export const certificateOperations = ({ providers, ...context }: KmxdContext): Operation[] => [
  operation(
    {
      name: 'kms.providers.client-certificate.set',
      method: 'PUT',
      path: '/kms/providers/:provider/client-certificate',
      grant: 'SECURITY_MGMT',
      summary: 'Set the certificate and key that the key server knows',
      body: ClientCertificate,
    },
    ({ certificate, private_key }, { params: { provider = '' } }) => {
      const found = providers.get(provider);
      refuseMismatch(certificate, private_key);
      using key = Secret.take(Buffer.from(private_key));
      const entry = changed('config.change', 'provider', found.id, { client_certificate: true });
      recorded(context, entry, () => providers.setClientCertificate(found, certificate, key));
    },
  ),
  query(
    {
      name: 'kms.providers.client-certificate.get',
      method: 'GET',
      path: '/kms/providers/:provider/client-certificate',
      grant: 'READ_ONLY',
      summary: 'Show the client certificate',
    },
    ({ params: { provider = '' } }) => ({ certificate: providers.get(provider).client_certificate }),
  ),
  operation(
    {
      name: 'kms.providers.server-certificates.set',
      method: 'PUT',
      path: '/kms/providers/:provider/server-certificates',
      grant: 'SECURITY_MGMT',
      summary: 'Trust these certificates of key servers, or of their CAs',
      body: Trusted,
    },
    ({ certificates }, { params: { provider = '' } }) => {
      const found = providers.get(provider);
      for (const [i, pem] of certificates.entries()) certificateOf(pem, `certificates[${i}]`);
      const entry = changed('config.change', 'provider', found.id, { trusted_certificates: certificates.length });
      recorded(context, entry, () => providers.put({ ...found, trusted_certificates: certificates }));
    },
  ),
  query(
    {
      name: 'kms.providers.server-certificates.get',
      method: 'GET',
      path: '/kms/providers/:provider/server-certificates',
      grant: 'READ_ONLY',
      summary: 'Show the trusted certificates of key servers',
    },
    ({ params: { provider = '' } }) => ({ certificates: providers.get(provider).trusted_certificates }),
  ),
];

function refuseMismatch(certificate: string, privateKey: string): void {
  const spki = (key: ReturnType<typeof createPublicKey>) => key.export({ type: 'spki', format: 'der' });
  const { publicKey } = certificateOf(certificate, 'certificate');
  let ours: ReturnType<typeof createPublicKey>;
  try {
    ours = createPublicKey(createPrivateKey(privateKey));
  } catch {
    // The cause is left out: messages of the parser could quote the key.
    throw new Problem('input.malformed', 'private_key: expected an unencrypted private key in PEM');
  }
  if (!spki(ours).equals(spki(publicKey)))
    throw new Problem('input.invalid', 'private_key: does not belong to the certificate');
}
