import { ekHash } from '@vouchsafe/domain/attestation/ek';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { EkChoice } from '../ek-choice.ts';
import { openTpm } from '../host-tpm.ts';
import { openIdentity } from '../tpm-identity.ts';
import type { KmxaContext } from './context.ts';

/** Attestation as this host sees it. */
export const attestationOperations = ({ agent, trust, migrationCertificate }: KmxaContext): Operation[] => [
  query(
    {
      name: 'trusted-infrastructure.attestation.status',
      method: 'GET',
      path: '/trusted-infrastructure/attestation',
      grant: 'READ_ONLY',
      summary: 'Show whether this host is attested, since when, by whom, and why not',
    },
    () => trust.status(),
  ),
  query(
    {
      name: 'trusted-infrastructure.attestation.attest',
      method: 'POST',
      path: '/trusted-infrastructure/attestation',
      grant: 'SECURITY_MGMT',
      summary: 'Attest now',
    },
    async () => {
      await trust.attest();
      return trust.status();
    },
  ),
  query(
    {
      name: 'trusted-infrastructure.attestation.assertion',
      method: 'POST',
      path: '/trusted-infrastructure/attestation/assertion',
      grant: 'SECURITY_MGMT',
      summary: 'Attest now, with a SAML 2.0 assertion beside the token',
    },
    async () => {
      const saml = await trust.assertion();
      return { ...trust.status(), saml };
    },
  ),
  query(
    {
      name: 'trusted-infrastructure.migration-certificate.request',
      method: 'POST',
      path: '/trusted-infrastructure/migration-certificate',
      grant: 'SECURITY_MGMT',
      summary: 'Ask for a certificate for live migrations, as an attested host gets one; it is shown, not installed',
    },
    () => migrationCertificate(),
  ),
  operation(
    {
      name: 'trusted-infrastructure.attestation.introduce',
      method: 'POST',
      path: '/trusted-infrastructure/attestation/endorsement-key',
      grant: 'SECURITY_MGMT',
      summary: 'Attest once with another endorsement key of this TPM, so that it can be approved',
      body: Type.Object({ ek: EkChoice }, { additionalProperties: false }),
    },
    async ({ ek }) => {
      const { session, findings, service } = await trust.introduce(ek);
      return { attestation_status: session === undefined ? 'notAttested' : 'attested', service, findings };
    },
  ),
  query(
    {
      name: 'trusted-infrastructure.tpm.get',
      method: 'GET',
      path: '/trusted-infrastructure/tpm',
      grant: 'READ_ONLY',
      summary: 'Show the endorsement key of this host and its certificate',
    },
    async () => {
      await using tpm = await openTpm(agent.tpm);
      await using identity = await openIdentity(tpm, agent.ek);
      const certificate = identity.certificate && Buffer.from(identity.certificate).toString('base64');
      return { ek: ekHash(identity.ek.publicArea), certificate };
    },
  ),
];
