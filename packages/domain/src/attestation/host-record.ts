import Type from 'typebox';

export const EkHash = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** Name of an attestation key (TPM 2.0 Part 1, 16): its hash algorithm and digest, in hexadecimal. */
export const AkName = Type.String({ pattern: '^[0-9a-f]{8,132}$' });

/** How many AKs are remembered with one EK, and how many EKs with one AK. A TPM has one AK of us and a handful of EKs. */
export const maxKnownAks = 16;

/** What a TPM is: told by its certificate, or, where nobody asked for one, only that somebody listed it. */
export const TpmKind = Type.Union([Type.Literal('hardware'), Type.Literal('virtual'), Type.Literal('listed')]);
export type TpmKind = Type.Static<typeof TpmKind>;

/**
 * A row of the host registry: the only source of a host's name and scope. A genuine TPM alone says nothing about whose
 * it is, so an endorsement key that nobody approved gets no token.
 *
 * A host is all rows of one name. It has more than one when its TPM has several endorsement keys (RSA and ECC), or when
 * its TPM was replaced.
 */
export const HostRecord = Type.Object(
  {
    /** SHA-256 of the EK's SubjectPublicKeyInfo, in hexadecimal. */
    ek: EkHash,
    name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$' }),
    /** The trusted cluster. */
    scope: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
    state: Type.Union([Type.Literal('pending'), Type.Literal('approved'), Type.Literal('revoked')]),
    tpm: TpmKind,
    enrolled: Type.Union([Type.Literal('approved'), Type.Literal('auto')]),
    by: Type.String({ maxLength: 256 }),
    /** ISO 8601. */
    since: Type.String({ maxLength: 32 }),
    /** The EK itself, PEM; absent when only its hash was ever told. */
    public_key: Type.Optional(Type.String({ maxLength: 2048 })),
    /**
     * Names of the AKs that were activated with this EK. One AK with two EKs is one TPM, and a TPM that was revoked is
     * known by them under whichever EK it comes back.
     */
    aks: Type.Optional(Type.Array(AkName, { maxItems: maxKnownAks })),
    /** Maker of the TPM, as its certificate has it: four letters (TCG Vendor ID Registry). */
    manufacturer: Type.Optional(Type.String({ maxLength: 64 })),
    model: Type.Optional(Type.String({ maxLength: 256 })),
    /** Why it is revoked. */
    reason: Type.Optional(Type.String({ maxLength: 256 })),
  },
  { additionalProperties: false },
);
export type HostRecord = Type.Static<typeof HostRecord>;
