import { readFileSync } from 'node:fs';
import { coverageInWords } from '@vouchsafe/domain/attestation/base-image';
import { captureImage, verifyImage } from '@vouchsafe/domain/attestation/capture';
import { decodeEvidence } from '@vouchsafe/domain/attestation/evidence';
import { ImaListName } from '@vouchsafe/domain/attestation/ima/ima-list';
import type { Evidence } from '@vouchsafe/domain/attestation/messages';
import { imagePcrs } from '@vouchsafe/domain/attestation/policy';
import type { Finding } from '@vouchsafe/domain/attestation/verdict';
import { Problem } from '@vouchsafe/domain/problem';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import Type from 'typebox';
import { type Operation, operation } from '../../management/operation.ts';
import type { ConfirmedBoot } from '../confirmed-boot.ts';
import { openTpm } from '../host-tpm.ts';
import { hostWords } from '../host-words.ts';
import type { KmxaContext } from './context.ts';

const Capture = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
    version: Type.String({ maxLength: 128 }),
    /** Name the agent's program, too. */
    agent: Type.Optional(Type.Boolean()),
    /** Name the IMA lists that hold for hosts of the image. */
    ima_lists: Type.Optional(Type.Array(ImaListName, { minItems: 1, maxItems: 16, uniqueItems: true })),
    /** Have an Attestation Service confirm it, or fail; left out: when one can. */
    confirm: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** The golden host writes its boot down. */
export const imageCapture = (context: KmxaContext): Operation[] => [
  operation(
    {
      name: 'trusted-infrastructure.image.capture',
      method: 'POST',
      path: '/trusted-infrastructure/image',
      grant: 'SECURITY_MGMT',
      summary: 'Capture this boot as a base image, confirmed by an Attestation Service where one can',
      body: Capture,
    },
    async ({ name, version, agent: withAgent = false, ima_lists: imaLists = [], confirm }) => {
      const { agent } = context;
      const words = hostWords({ agent: withAgent, commandLine: agent.command_line, imaLog: agent.ima_log });
      const { confirmed, unconfirmed } = await confirmation(context, confirm);
      const boot = confirmed === undefined ? await readBoot(agent) : bootOf(confirmed.evidence);
      const image = captureImage({ name, version, ...boot, now: new Date(), imaLists, ...words });
      verifyImage(image);
      const { statement: capture, service } = confirmed ?? {};
      return { image, capture, service, unconfirmed, coverage: coverageInWords(image.covers) };
    },
  ),
];

interface Confirmation {
  readonly confirmed?: ConfirmedBoot;
  /** Why there is none. */
  readonly unconfirmed?: string;
}

/** The word of a service that this boot is real. Who did not ask for it gets the image without it, and the reason. */
async function confirmation({ trust, configuration }: KmxaContext, wanted?: boolean): Promise<Confirmation> {
  if (wanted === false) return { unconfirmed: 'nobody asked for it' };
  if (wanted === undefined && configuration.services('attestation').length === 0)
    return { unconfirmed: 'no Attestation Service is registered on this host' };
  try {
    return { confirmed: await trust.confirm() };
  } catch (error) {
    if (wanted || !(error instanceof Problem)) throw error;
    return { unconfirmed: reasonOf(error) };
  }
}

function reasonOf({ message, data }: Problem): string {
  const { findings = [] } = data as { findings?: readonly Finding[] };
  return [message, ...findings.filter(({ severity }) => severity === 'fail').map(({ detail }) => detail)].join('; ');
}

async function readBoot({ tpm: path, event_log }: KmxaContext['agent']) {
  await using tpm = await openTpm(path);
  return { pcrs: await pcrRead(tpm, 'sha256', imagePcrs), eventLog: readEventLog(event_log) };
}

/** What was quoted and sent, so that the image is of exactly that. */
function bootOf(evidence: Evidence) {
  const { pcrs, eventLog } = decodeEvidence(evidence);
  if (eventLog === undefined) throw new TypeError('evidence without its log');
  return { pcrs, eventLog };
}

function readEventLog(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Problem('host.unsupported', `event log: ${(cause as Error).message}`, { cause });
  }
}
