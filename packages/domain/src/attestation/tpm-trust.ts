import type { Certificate } from '../x509/certificate.ts';
import type { Crl } from '../x509/crl.ts';

/** A CA whose endorsement certificates are believed, all of it pinned by the administrator. */
export interface TpmAuthority {
  readonly name: string;
  /** In the order root to leaf. */
  readonly chain: readonly Certificate[];
  /** Certifies virtual TPMs. */
  readonly virtual: boolean;
  /** Its first certificate is no root, but stands under the root of another CA: without that one it is nothing. */
  readonly under?: boolean;
}

/** Which TPMs are believed, as far as certificates go. */
export interface TpmTrust {
  readonly authorities: readonly TpmAuthority[];
  /** Links between EK certificates and roots. Nothing is trusted for standing here. */
  readonly intermediates: readonly Certificate[];
  /** Lists of revoked certificates; whose they are is checked when they are used. */
  readonly crls: readonly Crl[];
}

/** Trust in no TPM maker at all. */
export const noTpmTrust: TpmTrust = { authorities: [], intermediates: [], crls: [] };

/** Trust in these authorities and nothing else. */
export const trustIn = (...authorities: readonly TpmAuthority[]): TpmTrust => ({ ...noTpmTrust, authorities });
