import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { BaseImage, coverageInWords } from '@vouchsafe/domain/attestation/base-image';
import { verifyImage } from '@vouchsafe/domain/attestation/capture';
import { type CaptureStatement, verifyCapture } from '@vouchsafe/domain/attestation/capture-statement';
import { maxStatement, readImageFile } from '@vouchsafe/domain/attestation/image-file';
import { ImageRecord } from '@vouchsafe/domain/attestation/image-record';
import { imageBreaches } from '@vouchsafe/domain/attestation/image-rules';
import { verifyImageSignature } from '@vouchsafe/domain/attestation/image-signature';
import { maxLogBytes } from '@vouchsafe/domain/attestation/messages';
import { shortfalls } from '@vouchsafe/domain/attestation/minimums';
import type { Group } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import Type, { type Static } from 'typebox';
import type { AttestationConfiguration } from './configuration.ts';

const { not_before, not_after } = ImageRecord.properties;

/** An image to be imported: its file as it was written, or the bare image. */
export const Import = Type.Object(
  {
    image: Type.Optional(BaseImage),
    /** The octets of the file, base64url: a signature is over exactly these. */
    file: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength: 2 * maxLogBytes })),
    /** Signature of the file, see `image-signature.ts`. */
    signature: Type.Optional(Type.String({ maxLength: 2 * maxLogBytes + maxStatement })),
    userspace_unmeasured: Type.Optional(Type.Boolean()),
    /** Import and activation in one act; otherwise the image is staged. */
    activate: Type.Optional(Type.Boolean()),
    not_before,
    not_after,
  },
  { additionalProperties: false },
);
export type Import = Static<typeof Import>;

/** What an import is held against. */
export interface ImportContext {
  readonly configuration: AttestationConfiguration;
  readonly group: Group;
  readonly now: () => Date;
}

/** Who acts on the administrator's socket. */
export const administrator = 'local-root';

/**
 * The record that an import makes of a file: everything that can be wrong with it is found here, and nothing is written.
 * @throws {Problem} `input.invalid`, `input.malformed`, `image.untrusted`
 */
export async function importedRecord(body: Import, { configuration, group, now }: ImportContext): Promise<ImageRecord> {
  const { image, capture, octets, sha256 } = contentOf(body);
  verifyImage(image);
  refuseTimes(body);
  const at = now().toISOString();
  const signer = await signerOf(body, octets, configuration);
  const seconds = now().getTime() / 1000;
  const captured = capture === undefined ? undefined : capturedBy(await verifyCapture(capture, image, group, seconds));
  const { userspace_unmeasured = false, activate = false, not_before, not_after } = body;
  if (image.covers.userspace === 'none' && !userspace_unmeasured) {
    throw new Problem(
      'input.invalid',
      `image ${image.name}: ${coverageInWords(image.covers)}; import it with userspace_unmeasured if that is meant`,
    );
  }
  return {
    image,
    state: activate ? 'active' : 'staged',
    ...(not_before !== undefined && { not_before }),
    ...(not_after !== undefined && { not_after }),
    imported: at,
    by: administrator,
    ...(activate && { activated: { at, by: administrator } }),
    ...(signer !== undefined && { signer }),
    ...(sha256 !== undefined && { file: sha256 }),
    ...(captured !== undefined && { captured }),
    ...(userspace_unmeasured && { userspace_unmeasured }),
  };
}

/** Why an image may not count, in words; empty when it may. */
export function objections({ image, signer }: ImageRecord, configuration: AttestationConfiguration): string[] {
  const below = shortfalls(image, configuration.minimums()).map(({ detail }) => detail);
  const breaches = imageBreaches(image, configuration.rules()).map(
    ({ check, detail }) => `it breaks ${check}: ${detail}`,
  );
  return [...unsignedBy(signer, configuration), ...below, ...breaches];
}

function unsignedBy(signer: string | undefined, configuration: AttestationConfiguration): string[] {
  if (configuration.imageSignature() === 'off') return [];
  if (signer === undefined) return ['it has no signature of a listed signer, which is required'];
  const listed = configuration.signers().some(({ name }) => name === signer);
  return listed ? [] : [`its signer ${signer} is not listed any more`];
}

interface Content {
  readonly image: BaseImage;
  readonly capture?: string | undefined;
  /** Absent for a bare image, which no signature can be over. */
  readonly octets?: Uint8Array;
  readonly sha256?: string;
}

function contentOf({ image, file }: Import): Content {
  if ((image === undefined) === (file === undefined))
    throw new Problem('input.invalid', 'expected exactly one of image and file');
  if (image !== undefined) return { image };
  const octets = octetsOf(String(file));
  return { octets, ...readImageFile('base image', octets) };
}

function octetsOf(file: string): Uint8Array {
  try {
    return fromBase64url(file);
  } catch (cause) {
    throw new Problem('input.malformed', `file: ${(cause as Error).message}`, { cause });
  }
}

/** Name of the signer. A signature that cannot be checked is refused, also where none is required. */
async function signerOf(
  { signature }: Import,
  octets: Uint8Array | undefined,
  configuration: AttestationConfiguration,
): Promise<string | undefined> {
  if (signature !== undefined) {
    if (octets === undefined) throw new Problem('input.invalid', 'signature: expected the file that it is over');
    return (await verifyImageSignature(octets, signature, configuration.signers())).name;
  }
  if (configuration.imageSignature() === 'off') return undefined;
  throw new Problem('image.untrusted', 'it has no signature, and one of a listed signer is required');
}

const capturedBy = ({ ek, tpm, host, iss, iat }: CaptureStatement): NonNullable<ImageRecord['captured']> => ({
  ek,
  tpm,
  ...(host !== undefined && { host }),
  by: iss,
  at: new Date(iat * 1000).toISOString(),
});

/** The pattern lets a 31st of February through, and Date makes a day of March of it. */
const isMoment = (text: string): boolean =>
  !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().slice(0, 19) === text.slice(0, 19);

function refuseTimes({ not_before, not_after }: Import): void {
  for (const [field, moment] of Object.entries({ not_before, not_after })) {
    if (moment !== undefined && !isMoment(moment))
      throw new Problem(
        'input.invalid',
        `${field}: ${moment} is no moment; expected ISO 8601 such as 2027-01-31T00:00:00Z`,
      );
  }
  if (not_before !== undefined && not_after !== undefined && Date.parse(not_after) <= Date.parse(not_before))
    throw new Problem('input.invalid', `not_after: expected a moment behind not_before, ${not_before}`);
}
