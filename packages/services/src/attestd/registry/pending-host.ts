import type { HostRecord, TpmKind } from '@vouchsafe/domain/attestation/host-record';

/** A TPM that proved itself and that nobody approved: it waits. */
export interface PendingHost {
  readonly ek: string;
  readonly tpm: TpmKind;
  /** The base image that it booted, if any. */
  readonly image: string | undefined;
  /** ISO 8601. */
  readonly since: string;
  /** Name of the AK that it proved beside the EK, in hexadecimal. */
  readonly ak?: string;
  /** PEM. */
  readonly public_key?: string;
  readonly manufacturer?: string;
  readonly model?: string;
}

/** A pending TPM as it is shown: with the host whose TPM it is under another endorsement key. */
export interface ShownPending extends PendingHost {
  readonly same_tpm_as?: Pick<HostRecord, 'name' | 'state' | 'scope'>;
}
