import Type from 'typebox';

/** Which evidence an Attestation Service keeps, and for how long; the oldest goes first. */
export const EvidenceSettings = Type.Object(
  {
    /** `refused`: that of refusals. `all`: that of every verdict, as fast as it can be written. */
    keep: Type.Union([Type.Literal('none'), Type.Literal('refused'), Type.Literal('all')]),
    days: Type.Integer({ minimum: 1, maximum: 36_500 }),
    /** Mebibytes on the disk. */
    max_mb: Type.Integer({ minimum: 1, maximum: 1_048_576 }),
  },
  { additionalProperties: false },
);
export type EvidenceSettings = Type.Static<typeof EvidenceSettings>;

export const defaultEvidenceSettings: EvidenceSettings = { keep: 'refused', days: 90, max_mb: 256 };
