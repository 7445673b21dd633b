import Type, { type Static } from 'typebox';
import { BaseImage } from './base-image.ts';
import { imageParts } from './policy.ts';

const { name } = BaseImage.properties;

/**
 * A boot that is made of parts of two base images: the firmware of one, and all that comes after it of another. It lets
 * a new firmware go with every trusted boot without capturing each pair, and is believed only when it is declared.
 */
export const Composition = Type.Object(
  {
    /** No image has the same. */
    name,
    /** The image that PCR 0, 2 and 3 come from. */
    firmware: name,
    /** The image that all other PCRs come from. */
    boot: name,
    by: Type.String({ maxLength: 256 }),
    /** ISO 8601. */
    since: Type.String({ maxLength: 32 }),
  },
  { additionalProperties: false },
);
export type Composition = Static<typeof Composition>;

export const noCompositions: readonly Composition[] = [];

/** The image that a composition stands for: each PCR from its part, and only what the parts cover. */
export const composed = (name: string, firmware: BaseImage, boot: BaseImage): BaseImage => ({
  ...boot,
  name,
  version: `firmware of ${firmware.name}, boot of ${boot.name}`.slice(0, 128),
  pcrs: { ...pick(firmware, imageParts.firmware), ...pick(boot, imageParts.boot) },
  covers: { ...boot.covers, firmware: firmware.covers.firmware },
});

/** What an image leaves open stays open. */
function pick({ pcrs }: BaseImage, wanted: readonly number[]): Record<string, string> {
  return Object.fromEntries(Object.entries(pcrs).filter(([pcr]) => wanted.includes(Number(pcr))));
}
