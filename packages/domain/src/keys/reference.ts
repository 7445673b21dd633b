import Type from 'typebox';

const closed = { additionalProperties: false } as const;
export const Uuid = Type.String({ pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' });

/** Where a KEK comes from: by ciphertext for trusted and native providers, by key id for standard ones. */
export const KeyReference = Type.Union([
  Type.Object({ kind: Type.Literal('trusted'), prv: Uuid, ct: Type.String({ maxLength: 4096 }) }, closed),
  Type.Object({ kind: Type.Literal('standard'), prv: Uuid, id: Type.String({ maxLength: 256 }) }, closed),
  Type.Object({ kind: Type.Literal('native'), prv: Uuid, ct: Type.String({ maxLength: 4096 }) }, closed),
]);
export type KeyReference = Type.Static<typeof KeyReference>;

/** What a released key may be used for; a provider setting that only TrustedAdmins write. */
export const keyUses = ['run', 'recrypt', 'leave', 'decrypt', 'export'] as const;
export type KeyUse = (typeof keyUses)[number];
export const KeyUses = Type.Array(
  Type.Union([
    Type.Literal('run'),
    Type.Literal('recrypt'),
    Type.Literal('leave'),
    Type.Literal('decrypt'),
    Type.Literal('export'),
  ]),
  { maxItems: 5, uniqueItems: true },
);
