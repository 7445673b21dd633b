import { Problem } from '@vouchsafe/domain/problem';
import { certificatePem, pemBlocks } from '@vouchsafe/domain/x509/pem-blocks';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { authorityView, planView } from '../trust/views.ts';
import type { AttestdContext } from './context.ts';

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' });
const closed = { additionalProperties: false } as const;

const Create = Type.Object(
  {
    name: Name,
    /** One chain, in either order. */
    cert_chain: Type.Object({ certs: Type.Array(Type.String({ maxLength: 24_576 }), { minItems: 1, maxItems: 8 }) }),
    /** The CA certifies virtual TPMs. */
    virtual: Type.Optional(Type.Boolean()),
  },
  closed,
);

const largestBundle = 8 * 1024 * 1024;

const Import = Type.Object(
  {
    /** PEM certificates, roots and intermediates in any order; text between them is commentary. */
    certificates: Type.String({ maxLength: largestBundle }),
    virtual: Type.Optional(Type.Boolean()),
    /** Pins CAs whose own issuer is not among them as well. */
    anchor: Type.Optional(Type.Boolean()),
    /** Takes what stands under a pinned root and pins nothing. */
    links_only: Type.Optional(Type.Boolean()),
    dry_run: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** CAs of TPM makers: whose endorsement certificates are believed. */
export const caCertificates = ({ configuration, now, ...context }: AttestdContext): Operation[] => [
  query(
    {
      name: 'attestation.tpm2.ca-certificates.list',
      method: 'GET',
      path: '/attestation/tpm2/ca-certificates',
      grant: 'READ_ONLY',
      summary: 'List the CAs of TPM makers',
    },
    () => configuration.trust.authorities().map(authorityView),
  ),
  operation(
    {
      name: 'attestation.tpm2.ca-certificates.create',
      method: 'POST',
      path: '/attestation/tpm2/ca-certificates',
      grant: 'SECURITY_MGMT',
      summary: 'Trust a CA of a TPM maker',
      body: Create,
      bodyLimit: 512 * 1024,
    },
    ({ name, cert_chain, virtual = false }) => {
      const entry = changed('config.change', 'tpm-ca', name, { virtual });
      recorded(context, entry, () => configuration.trust.addAuthority(name, { certs: cert_chain.certs, virtual }));
      return name;
    },
  ),
  operation(
    {
      name: 'attestation.tpm2.ca-certificates.import',
      method: 'POST',
      path: '/attestation/tpm2/ca-certificates/import',
      grant: 'SECURITY_MGMT',
      summary: 'Trust the roots of a bundle, and know its intermediates',
      body: Import,
      bodyLimit: largestBundle + 4096,
    },
    ({ certificates, virtual = false, anchor = false, links_only = false, dry_run = false }) => {
      const bundle = pemBlocks(certificates, 'CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE');
      if (bundle.length === 0) throw new Problem('input.malformed', 'certificates: expected certificates in PEM');
      const plan = configuration.trust.plan(bundle, { anchor, linksOnly: links_only, now: now().getTime() / 1000 });
      const told = planView(plan);
      if (dry_run || plan.roots.length + plan.intermediates.length === 0) return told;
      const detail = {
        virtual,
        roots: plan.roots.map(({ name }) => name),
        intermediates: plan.intermediates.length,
        skipped: plan.skipped.length,
      };
      recorded(context, changed('config.change', 'tpm-ca', 'import', detail), () =>
        configuration.trust.import(plan, virtual),
      );
      return told;
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
      const { chain, virtual } = configuration.trust.authority(name);
      const certs = chain.map(({ raw }) => certificatePem(raw));
      return { name, cert_chain: { certs }, virtual };
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
      recorded(context, entry, () => configuration.trust.deleteAuthority(name));
    },
  ),
];
