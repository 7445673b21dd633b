import type { AppraisalInput } from '@vouchsafe/domain/attestation/appraisal';
import type { BootRecord } from '@vouchsafe/domain/attestation/boot-record';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import type { ChallengeRequest, Evidence } from '@vouchsafe/domain/attestation/messages';
import type { AttestationPolicy } from '@vouchsafe/domain/attestation/policy';
import type { Bank } from '@vouchsafe/eventlog/algorithms';
import type { EventInput } from '@vouchsafe/eventlog/testing/build';
import type { ImaInput } from '@vouchsafe/eventlog/testing/ima';
import type { TpmsAttestFrame } from '@vouchsafe/tpm2/attest';
import type { TpmsPcrSelection } from '@vouchsafe/tpm2/pcr-selection';

/** What signs as an attestation key: public area, and bytes of a TPMT_SIGNATURE over data. */
export interface Signer {
  readonly publicArea: Uint8Array;
  sign(data: Uint8Array): Uint8Array;
}

/** PCR values by number. */
export type Pcrs = ReadonlyMap<number, Uint8Array>;

/**
 * One attestation in the pieces that it is made of. Whatever a piece is, the later ones follow from it: another event
 * gives other PCRs, another quote and another signature. So a case changes one thing, as whoever attacks would, and all
 * else stays as honest as it can be.
 */
export interface Parts {
  /** First round. */
  readonly request: ChallengeRequest;
  readonly nonce: Uint8Array;
  readonly secret: Uint8Array;
  /** Events of the boot: they were measured, and they are what the log says. */
  readonly events: readonly EventInput[];
  readonly banks: readonly Bank[];
  /** Changes the log after the boot was measured: what the host tells. */
  readonly log: (honest: Uint8Array) => Uint8Array;
  readonly ima: readonly ImaInput[];
  /** Changes the IMA log after it was measured. */
  readonly imaLog: (honest: Uint8Array) => Uint8Array;
  /** Changes what the TPM's PCRs hold. */
  readonly pcrs: (measured: Pcrs) => Pcrs;
  /** The exact octets of the claims. */
  readonly claims: Uint8Array;
  readonly selection: readonly TpmsPcrSelection[];
  /** Hash of pcrDigest. */
  readonly pcrHash: 'sha1' | 'sha256' | 'sha384';
  readonly frame: Partial<TpmsAttestFrame>;
  /** Changes the bytes that are signed. */
  readonly attest: (quote: Uint8Array) => Uint8Array;
  readonly signer: Signer;
  /** Changes what goes over the wire, after all was signed. */
  readonly evidence: (sent: Evidence) => Evidence;
  /** What the verifier knows. */
  readonly policy: AttestationPolicy;
  readonly host: HostRecord | undefined;
  readonly lastBoot: BootRecord | undefined;
  readonly now: number;
  readonly consume: AppraisalInput['consume'];
}

/** Changes one thing of an honest attestation. */
export type Mutator = (honest: Parts) => Parts | Promise<Parts>;
