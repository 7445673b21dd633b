import type { TpmAuthority } from '../attestation/tpm-trust.ts';
import { readCertificate } from '../x509/certificate.ts';
import { orderChain } from '../x509/chain.ts';
import { pemBlocks } from '../x509/pem-blocks.ts';

/** An authority as an administrator pins it, from PEM text of one chain. */
export function pinnedAuthority(name: string, pem: string, virtual = false): TpmAuthority {
  const chain = orderChain(pemBlocks(pem, 'CERTIFICATE').map((der) => readCertificate(der)));
  if (typeof chain === 'string') throw new TypeError(chain);
  return { name, virtual, chain };
}
