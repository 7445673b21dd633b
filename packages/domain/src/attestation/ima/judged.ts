import Type from 'typebox';

/** Why an entry of an IMA log speaks against a host. */
export const entryFaults = [
  'ima.unknown-file',
  'ima.changed-file',
  'ima.weak-digest',
  'ima.violation',
  'ima.kexec',
  'ima.buffer',
  'ima.unreadable',
] as const;
export type EntryFault = (typeof entryFaults)[number];

const Fault = Type.Object(
  {
    /** How many entries have it. */
    count: Type.Integer({ minimum: 1 }),
    severity: Type.Union([Type.Literal('fail'), Type.Literal('warn')]),
    /** The first few names, as they may be shown. */
    first: Type.Array(Type.String({ maxLength: 2048 }), { maxItems: 8 }),
  },
  { additionalProperties: false },
);

/** What was found in the entries of a boot so far; a few hundred bytes, however many they are. */
export const Judged = Type.Object(
  {
    /** Digest of the rules: lists, settings and image. Entries judged by others must be judged anew. */
    by: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    listed: Type.Integer({ minimum: 0 }),
    signed: Type.Integer({ minimum: 0 }),
    excluded: Type.Integer({ minimum: 0 }),
    /** The image's agent is among the files, with the digest that the image names. */
    agent: Type.Boolean(),
    faults: Type.Record(Type.String({ pattern: '^ima\\.[a-z-]{1,32}$' }), Fault, { additionalProperties: false }),
  },
  { additionalProperties: false },
);
export type Judged = Type.Static<typeof Judged>;
export type ImaFault = Type.Static<typeof Fault>;
