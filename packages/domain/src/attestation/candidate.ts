import type { BaseImage } from './base-image.ts';
import { type Composition, composed } from './composition.ts';
import { type ImageRecord, type ImageStanding, standingOf } from './image-record.ts';
import { type AttestationPolicy, imageParts } from './policy.ts';

/** What a host may be compared with: an image, or a declared composition of two. */
export interface Candidate {
  readonly image: BaseImage;
  /** The image itself twice, or the two that a composition names. */
  readonly firmware: ImageRecord;
  readonly boot: ImageRecord;
  readonly composition: Composition | undefined;
  /** A composition stands as the worse of its parts, */
  readonly standing: ImageStanding;
  /** which is this one. */
  readonly standsBy: ImageRecord;
}

/** From what counts to what counts least. */
const order: readonly ImageStanding[] = ['active', 'staged', 'not-yet-valid', 'expired', 'retired'];

/**
 * Everything that a boot may match, images before compositions. A composition of which a part is missing is none.
 * @param now seconds since 1970
 */
export function candidatesOf(
  { images, compositions }: Pick<AttestationPolicy, 'images' | 'compositions'>,
  now: number,
): Candidate[] {
  const whole = images.map((record) => ({
    image: record.image,
    firmware: record,
    boot: record,
    composition: undefined,
    standing: standingOf(record, now),
    standsBy: record,
  }));
  return [...whole, ...compositions.flatMap((composition) => composedOf(composition, images, now))];
}

function composedOf(composition: Composition, images: readonly ImageRecord[], now: number): Candidate[] {
  const named = (name: string) => images.find(({ image }) => image.name === name);
  const [firmware, boot] = [named(composition.firmware), named(composition.boot)];
  if (firmware === undefined || boot === undefined) return [];
  const image = composed(composition.name, firmware.image, boot.image);
  const [a, b] = [standingOf(firmware, now), standingOf(boot, now)];
  const [standing, standsBy] = order.indexOf(a) > order.indexOf(b) ? [a, firmware] : [b, boot];
  return [{ image, firmware, boot, composition, standing, standsBy }];
}

/** The image whose log leads to a PCR of a candidate. */
export const sourceOf = ({ firmware, boot }: Candidate, pcr: number): BaseImage =>
  (imageParts.firmware as readonly number[]).includes(pcr) ? firmware.image : boot.image;
