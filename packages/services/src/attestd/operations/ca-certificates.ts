import { certificateOf } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { AttestdContext } from './context.ts';

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' });

const Create = Type.Object(
  {
    name: Name,
    cert_chain: Type.Object({ certs: Type.Array(Type.String({ maxLength: 16384 }), { minItems: 1, maxItems: 8 }) }),
    /** The CA certifies virtual TPMs. */
    virtual: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** CAs of TPM makers: whose endorsement certificates are believed. */
export const caCertificates = ({ configuration, ...context }: AttestdContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.ca-certificates.list',
      method: 'GET',
      path: '/attestation/tpm2/ca-certificates',
      grant: 'READ_ONLY',
      summary: 'List the CAs of TPM makers',
    },
    () => configuration.authorities().map(([name, { virtual }]) => ({ name, virtual })),
  ),
  operation(
    {
      name: 'attestation.tpm2.ca-certificates.create',
      method: 'POST',
      path: '/attestation/tpm2/ca-certificates',
      grant: 'SECURITY_MGMT',
      summary: 'Trust a CA of a TPM maker',
      body: Create,
      bodyLimit: 256 * 1024,
    },
    ({ name, cert_chain, virtual = false }) => {
      refuseLeaf(cert_chain.certs);
      const authority = { certs: cert_chain.certs, virtual };
      const entry = changed('config.change', 'tpm-ca', name, { virtual });
      recorded(context, entry, () => configuration.addAuthority(name, authority));
      return name;
    },
  ),
  query(
    {
      name: 'attestation.tpm2.ca-certificates.get',
      method: 'GET',
      path: '/attestation/tpm2/ca-certificates/:name',
      grant: 'READ_ONLY',
      summary: 'Show a CA',
    },
    ({ params: { name = '' } }) => {
      const found = configuration.authorities().find(([each]) => each === name);
      if (found === undefined) throw new Problem('object.unknown', `CA ${name}`);
      return { name, cert_chain: { certs: found[1].certs }, virtual: found[1].virtual };
    },
  ),
  query(
    {
      name: 'attestation.tpm2.ca-certificates.delete',
      method: 'DELETE',
      path: '/attestation/tpm2/ca-certificates/:name',
      grant: 'SECURITY_MGMT',
      summary: 'Stop trusting a CA',
    },
    ({ params: { name = '' } }) => {
      const entry = changed('config.change', 'tpm-ca', name, { deleted: true });
      recorded(context, entry, () => configuration.deleteAuthority(name));
    },
  ),
];

/** A leaf in the chain would look like trust in one TPM and be trust in none. */
function refuseLeaf(certs: readonly string[]): void {
  for (const [i, pem] of certs.entries()) {
    if (!certificateOf(pem, `cert_chain.certs[${i}]`).ca) {
      throw new Problem(
        'input.invalid',
        `cert_chain.certs[${i}]: expected a CA certificate; list a single TPM as endorsement key`,
      );
    }
  }
}
