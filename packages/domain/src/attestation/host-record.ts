import Type from 'typebox';

export const EkHash = Type.String({ pattern: '^[0-9a-f]{64}$' });

/**
 * A row of the host registry: the only source of a host's name and scope. A genuine TPM alone says nothing about whose
 * it is, so an endorsement key that nobody approved gets no token.
 */
export const HostRecord = Type.Object(
  {
    /** SHA-256 of the EK's SubjectPublicKeyInfo, in hexadecimal. */
    ek: EkHash,
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$' }),
    /** The trusted cluster. */
    scope: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
    state: Type.Union([Type.Literal('pending'), Type.Literal('approved'), Type.Literal('revoked')]),
    tpm: Type.Union([Type.Literal('hardware'), Type.Literal('virtual'), Type.Literal('listed')]),
    enrolled: Type.Union([Type.Literal('approved'), Type.Literal('auto')]),
    by: Type.String({ maxLength: 256 }),
    /** ISO 8601. */
    since: Type.String({ maxLength: 32 }),
  },
  { additionalProperties: false },
);
export type HostRecord = Type.Static<typeof HostRecord>;
