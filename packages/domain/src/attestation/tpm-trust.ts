import type { X509Certificate } from 'node:crypto';

/** A CA whose endorsement certificates are believed: a chain with the root last, all of it pinned by the administrator. */
export interface TpmAuthority {
  readonly name: string;
  readonly chain: readonly X509Certificate[];
  /** Certifies virtual TPMs. */
  readonly virtual: boolean;
}

/** Which TPMs are believed, as far as certificates go. */
export interface TpmTrust {
  readonly authorities: readonly TpmAuthority[];
}

/** Trust in no TPM maker at all. */
export const noTpmTrust: TpmTrust = { authorities: [] };

/** Trust in these authorities and nothing else. */
export const trustIn = (...authorities: readonly TpmAuthority[]): TpmTrust => ({ ...noTpmTrust, authorities });
