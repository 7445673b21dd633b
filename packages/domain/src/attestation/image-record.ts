import Type, { type Static } from 'typebox';
import { validator } from '../parse.ts';
import { BaseImage } from './base-image.ts';
import { EkHash, HostRecord } from './host-record.ts';

/** `staged`: what would match is told, and nothing follows. `active`: hosts may have it. `retired`: no more. */
export const ImageState = Type.Union([Type.Literal('staged'), Type.Literal('active'), Type.Literal('retired')]);
export type ImageState = Static<typeof ImageState>;

const closed = { additionalProperties: false } as const;

/** A moment, ISO 8601 in UTC. */
const Moment = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{1,3})?Z$' });

/** A base image as an administrator keeps it: the measurements, and whether they count now. */
export const ImageRecord = Type.Object(
  {
    image: BaseImage,
    state: ImageState,
    /** First moment at which it counts; at once when left out. */
    not_before: Type.Optional(Moment),
    /** First moment at which it counts no more; never when left out. */
    not_after: Type.Optional(Moment),
    imported: Moment,
    /** Who imported it. */
    by: Type.String({ maxLength: 256 }),
    /** Who activated it, and when: room for a second person. */
    activated: Type.Optional(Type.Object({ at: Moment, by: Type.String({ maxLength: 256 }) }, closed)),
    /** Name of the listed signer whose signature the file had. */
    signer: Type.Optional(Type.String({ maxLength: 128 })),
    /** SHA-256 of the file's octets, in hexadecimal. */
    file: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    /** Where it was captured, as an Attestation Service of the group confirmed. */
    captured: Type.Optional(
      Type.Object(
        {
          ek: EkHash,
          tpm: HostRecord.properties.tpm,
          host: Type.Optional(HostRecord.properties.name),
          /** The service, and when. */
          by: Type.String({ maxLength: 256 }),
          at: Moment,
        },
        closed,
      ),
    ),
    /** Somebody said aloud that userspace is not covered, and that this is meant. */
    userspace_unmeasured: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type ImageRecord = Static<typeof ImageRecord>;

const readBare = validator('stored base image', BaseImage);
const readRecord = validator('stored base image', ImageRecord);

/**
 * A stored record. Versions before 0.2 stored the bare image, which counted: it is active.
 * @throws {Problem} `input.invalid` naming the field
 */
export function readImageRecord(stored: unknown): ImageRecord {
  const bare = typeof stored === 'object' && stored !== null && Object.hasOwn(stored, 'event_log');
  return bare ? activeRecord(readBare(stored)) : readRecord(stored);
}

/** An image that counts, without end, as the import of one person made it. */
export const activeRecord = (image: BaseImage): ImageRecord => ({
  image,
  state: 'active',
  imported: '1970-01-01T00:00:00.000Z',
  by: 'unknown',
});

/** How a record stands at a moment: only `active` lets a host pass. */
export type ImageStanding = ImageState | 'expired' | 'not-yet-valid';

/** @param now seconds since 1970 */
export function standingOf({ state, not_before, not_after }: ImageRecord, now: number): ImageStanding {
  if (state !== 'active') return state;
  // A date that cannot be read is no date at which the image counts.
  if (not_before !== undefined && !(Date.parse(not_before) <= now * 1000)) return 'not-yet-valid';
  if (not_after !== undefined && !(Date.parse(not_after) > now * 1000)) return 'expired';
  return 'active';
}
