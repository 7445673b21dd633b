import { readFileSync } from 'node:fs';
import { coverageInWords } from '@vouchsafe/domain/attestation/base-image';
import { captureImage } from '@vouchsafe/domain/attestation/capture';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { ImaListName } from '@vouchsafe/domain/attestation/ima/ima-list';
import { imagePcrs } from '@vouchsafe/domain/attestation/policy';
import { Problem } from '@vouchsafe/domain/problem';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { EkChoice } from '../ek-choice.ts';
import { openTpm } from '../host-tpm.ts';
import { hostWords } from '../host-words.ts';
import { openIdentity } from '../tpm-identity.ts';
import type { KmxaContext } from './context.ts';

const Capture = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
    version: Type.String({ maxLength: 128 }),
    /** Name the agent's program, too. */
    agent: Type.Optional(Type.Boolean()),
    /** Name the IMA lists that hold for hosts of the image. */
    ima_lists: Type.Optional(Type.Array(ImaListName, { minItems: 1, maxItems: 16, uniqueItems: true })),
  },
  { additionalProperties: false },
);

/** Attestation as this host sees it. */
export const attestationOperations = ({ agent, trust }: KmxaContext): Operation[] => [
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
  operation(
    {
      name: 'trusted-infrastructure.image.capture',
      method: 'POST',
      path: '/trusted-infrastructure/image',
      grant: 'SECURITY_MGMT',
      summary: 'Capture this boot as a base image',
      body: Capture,
    },
    async ({ name, version, agent: withAgent = false, ima_lists: imaLists = [] }) => {
      await using tpm = await openTpm(agent.tpm);
      const pcrs = await pcrRead(tpm, 'sha256', imagePcrs);
      const eventLog = readEventLog(agent.event_log);
      const words = hostWords({ agent: withAgent, imaLog: agent.ima_log });
      const image = captureImage({ name, version, eventLog, pcrs, now: new Date(), imaLists, ...words });
      return { image, coverage: coverageInWords(image.covers) };
    },
  ),
];

function readEventLog(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Problem('host.unsupported', `event log: ${(cause as Error).message}`, { cause });
  }
}
