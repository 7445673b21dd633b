import Type from 'typebox';
import type { Group } from '../group/group.ts';
import type { BootRules } from './boot-rules.ts';
import type { Composition } from './composition.ts';
import type { FirmwareBlock } from './firmware-block.ts';
import type { ImaPolicy } from './ima-policy.ts';
import type { ImageRecord } from './image-record.ts';
import type { Minimums } from './minimums.ts';
import type { PolicyDocument } from './policy-digest.ts';
import type { TpmTrust } from './tpm-trust.ts';

/** Settings of TPM trust: the two of the vendor contract and ours. */
export const TpmSettings = Type.Object(
  {
    require_certificate_validation: Type.Boolean(),
    require_endorsement_keys: Type.Boolean(),
    /** `approve`: a TrustedAdmin approves each EK. `auto`: the first contact of a valid EK approves it. */
    enrolment: Type.Union([Type.Literal('approve'), Type.Literal('auto')]),
    /** Scopes whose hosts may have a virtual TPM, for demonstration and development. */
    virtual_tpm_scopes: Type.Array(Type.String({ maxLength: 128 }), { maxItems: 64 }),
    /** Only a boot after a full reset of the TPM counts, none that was suspended or hibernated since. */
    require_full_boot: Type.Optional(Type.Boolean()),
    /** Every bank that TPM or event log have must be quoted and logged; without it that is noted. */
    require_every_bank: Type.Optional(Type.Boolean()),
    /** Seconds from one attestation of a host to its next; 300 when it is left out. A token lives for 600. */
    attestation_interval: Type.Optional(Type.Integer({ minimum: 30, maximum: 540 })),
    /** Revocation lists: `off`, `if-present` (a loaded one counts), or `required` (each issuer needs a current one). */
    crl: Type.Union([Type.Literal('off'), Type.Literal('if-present'), Type.Literal('required')]),
    /** EK certificates that expired: accepted `if-listed` (approved by hand), always (`accept`), or never (`refuse`). */
    expired_certificates: Type.Union([Type.Literal('if-listed'), Type.Literal('accept'), Type.Literal('refuse')]),
    /** With neither certificates nor listed keys required: lets approved hosts pass all the same. */
    allow_unidentified: Type.Boolean(),
    /** Hosts that `vouchsafe tpm-ca update` may ask for revocation lists and intermediates. */
    fetch_hosts: Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?$' }), { maxItems: 64 }),
  },
  { additionalProperties: false },
);
export type TpmSettings = Type.Static<typeof TpmSettings>;

/** Seconds from one attestation to the next where the settings do not say. */
export const defaultInterval = 300;

export const defaultTpmSettings: TpmSettings = {
  require_certificate_validation: true,
  require_endorsement_keys: false,
  enrolment: 'approve',
  virtual_tpm_scopes: [],
  crl: 'if-present',
  expired_certificates: 'if-listed',
  allow_unidentified: false,
  fetch_hosts: [],
};

/** Everything that an appraisal follows. */
export interface AttestationPolicy {
  readonly group: Group;
  readonly settings: TpmSettings;
  readonly trust: TpmTrust;
  readonly images: readonly ImageRecord[];
  readonly compositions: readonly Composition[];
  readonly minimums: Minimums;
  /** The rules that differ from their defaults. */
  readonly rules: BootRules;
  readonly ima: ImaPolicy;
  /** Firmware of TPMs that is refused or told; nothing when absent. */
  readonly blocklist?: readonly FirmwareBlock[];
  /** Counts up with every change that takes trust away. */
  readonly epoch: number;
  /** What all of this was read from: names the policy, and a verdict can be repeated from it. */
  readonly documents?: readonly PolicyDocument[];
}

/**
 * The PCRs that a quote must cover: all of the static boot. PCR 10 is quoted for the IMA log.
 * TCG PC Client Platform Firmware Profile, 3.3.4; UAPI Linux TPM PCR Registry for 8 to 15.
 */
export const quotedPcrs = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] as const;

/**
 * The PCRs that are quoted of every other bank: those that the firmware extends, in each bank that is active
 * (TCG PC Client Platform Firmware Profile, 3.3.4). What runs later extends the banks that it likes.
 */
export const firmwarePcrs = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/**
 * The PCRs that a base image fixes. Left out: 1 and 5 hold boot order, boot attempts and the partition table, 6 is the
 * vendor's, 10 grows while the host runs.
 */
export const imagePcrs = [0, 2, 3, 4, 7, 8, 9, 11, 12, 13, 14] as const;

/** The two parts that a composition is made of: what the board brings, and what is installed on it. */
export const imageParts = {
  firmware: [0, 2, 3],
  boot: [4, 7, 8, 9, 11, 12, 13, 14],
} as const satisfies Record<string, readonly (typeof imagePcrs)[number][]>;
