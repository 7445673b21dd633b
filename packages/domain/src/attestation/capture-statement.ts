import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import Type, { type Static } from 'typebox';
import { readStatement, type StatementKind, signStatement } from '../group/certified-jws.ts';
import type { Group } from '../group/group.ts';
import { whyNotInRole } from '../group/role.ts';
import { jsonReader } from '../parse.ts';
import { Problem } from '../problem.ts';
import type { Appraisal } from './appraisal.ts';
import type { BaseImage } from './base-image.ts';
import { GroupId } from './claims.ts';
import { EkHash, HostRecord } from './host-record.ts';
import { maxStatement } from './image-file.ts';

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });

/**
 * The word of an Attestation Service that a genuine TPM vouched for these values, freshly, and that this log leads to
 * them. It says nothing of whether anybody should trust them.
 */
export const CaptureStatement = Type.Object(
  {
    /** The instance. */
    iss: Type.String({ maxLength: 256 }),
    aud: GroupId,
    iat: Type.Integer({ minimum: 0 }),
    ek: EkHash,
    tpm: HostRecord.properties.tpm,
    /** Name in the registry, when the EK was approved at that time. */
    host: Type.Optional(HostRecord.properties.name),
    bank: Type.Literal('sha256'),
    pcrs: Type.Record(Type.String({ pattern: '^(?:[0-9]|1[0-9]|2[0-3])$' }), Digest, { additionalProperties: false }),
    /** SHA-256 of the logs, in hexadecimal. */
    event_log: Digest,
    ima_log: Type.Optional(Digest),
  },
  { additionalProperties: false },
);
export type CaptureStatement = Static<typeof CaptureStatement>;

const kind: StatementKind = {
  typ: 'vs-capture+jws',
  name: 'a capture statement',
  limit: maxStatement,
  refuse: (why, cause) => new Problem('image.untrusted', `capture statement: ${why}`, { cause }),
};
const readContent = jsonReader('capture statement', CaptureStatement);

/** What a statement says of an appraisal that got as far as the boot. @throws {TypeError} when it did not */
export function captureStatement(appraisal: Appraisal, instance: string): CaptureStatement {
  const { challenge, evidence, host, policy, now } = appraisal.input;
  const pcrs = [...appraisal.get('pcrs')].map(([pcr, value]) => [String(pcr), hex(value)]);
  // Proven only when the log leads to these values.
  appraisal.get('log');
  const { eventLog, imaLog } = evidence;
  if (eventLog === undefined) throw new TypeError('the log was not sent');
  return {
    iss: instance,
    aud: policy.group.id,
    iat: now,
    ek: challenge.ek,
    tpm: appraisal.get('tpm'),
    ...(host?.state === 'approved' && host.enrolled === 'approved' && { host: host.name }),
    bank: challenge.bank,
    pcrs: Object.fromEntries(pcrs),
    event_log: sha256(eventLog),
    ...(imaLog !== undefined && { ima_log: sha256(imaLog) }),
  };
}

export const signCaptureStatement = (key: KeyObject, certificate: X509Certificate, content: CaptureStatement) =>
  signStatement(kind, key, certificate, content);

/**
 * Checks a statement and that it is about this image.
 *
 * The certificate is held against the time of the statement: those of services live for days, and images for years. So
 * whoever stole the key of a service could make statements about the time in which it was certified.
 * @param now seconds since 1970
 * @throws {Problem} `image.untrusted`
 */
export async function verifyCapture(
  jws: string,
  image: BaseImage,
  group: Group,
  now: number,
): Promise<CaptureStatement> {
  const { text, signer } = await readStatement(kind, jws);
  const said = contentOf(text);
  const why = whyNotInRole(signer, group, 'attestd', said.iat) ?? whyNotAbout(said, image, group, now);
  if (why !== undefined) throw kind.refuse(why);
  return said;
}

function contentOf(text: string): CaptureStatement {
  try {
    return readContent(text);
  } catch (cause) {
    throw kind.refuse((cause as Error).message, cause);
  }
}

const leeway = 30;

function whyNotAbout(said: CaptureStatement, image: BaseImage, group: Group, now: number): string | undefined {
  if (said.aud !== group.id) return 'it was made for another group';
  if (said.iat > now + leeway) return 'it comes from the future';
  // The import compares the values of the image with its own log, and this was the log that led to those of the TPM.
  return said.event_log === sha256(fromBase64url(image.event_log))
    ? undefined
    : 'the log of the image is not the one that was looked at';
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
