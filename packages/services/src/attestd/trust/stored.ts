import type { TpmAuthority } from '@vouchsafe/domain/attestation/tpm-trust';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import { type Certificate, readCertificate } from '@vouchsafe/domain/x509/certificate';
import { orderChain } from '@vouchsafe/domain/x509/chain';
import { type Crl, maxCrlBytes, readCrl } from '@vouchsafe/domain/x509/crl';
import { pemBlocks } from '@vouchsafe/domain/x509/pem-blocks';
import Type from 'typebox';

const closed = { additionalProperties: false } as const;
const CertificatePem = Type.String({ maxLength: 24_576 });

/** A CA of TPM makers as it is stored: PEM certificates in the order root to leaf; before version 0.2 leaf to root. */
export const StoredAuthority = Type.Object(
  {
    certs: Type.Array(CertificatePem, { minItems: 1, maxItems: 8 }),
    virtual: Type.Boolean(),
    /** Its first certificate stands under the root of another CA. */
    under: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type StoredAuthority = Type.Static<typeof StoredAuthority>;

/** A certificate between EK certificates and roots; its name is its fingerprint. */
export const StoredIntermediate = Type.Object({ certificate: CertificatePem }, closed);
export type StoredIntermediate = Type.Static<typeof StoredIntermediate>;

/** A certificate revocation list, base64; its name is the digest of its issuer. */
export const StoredCrl = Type.Object(
  {
    crl: Type.String({ maxLength: Math.ceil((maxCrlBytes * 4) / 3) + 4, pattern: '^[A-Za-z0-9+/]*={0,2}$' }),
    /** ISO 8601. */
    added: Type.String({ maxLength: 32 }),
  },
  closed,
);
export type StoredCrl = Type.Static<typeof StoredCrl>;

export const readAuthority = validator('stored CA', StoredAuthority);
export const readIntermediate = validator('stored intermediate', StoredIntermediate);
export const readStoredCrl = validator('stored revocation list', StoredCrl);

/** @throws {Problem} `input.malformed`, `input.invalid` naming the field */
export function authorityOf(name: string, { certs, virtual, under = false }: StoredAuthority): TpmAuthority {
  const chain = orderChain(certs.map((pem, i) => certificateIn(pem, `certs[${i}]`)));
  if (typeof chain === 'string') throw new Problem('input.invalid', `${name}: certs: expected one chain: ${chain}`);
  return { name, virtual, chain, under };
}

/** The one certificate of PEM text. @throws {Problem} `input.malformed` */
export function certificateIn(pem: string, field: string): Certificate {
  const blocks = pemBlocks(pem, 'CERTIFICATE');
  const [der] = blocks;
  if (der === undefined) throw new Problem('input.malformed', `${field}: expected a certificate in PEM`);
  if (blocks.length > 1)
    throw new Problem('input.malformed', `${field}: expected one certificate, found ${blocks.length}`);
  try {
    return readCertificate(der);
  } catch (cause) {
    throw new Problem('input.malformed', `${field}: ${(cause as Error).message}`, { cause });
  }
}

/** @throws {Problem} `input.malformed` */
export function crlIn(base64: string, field: string): Crl {
  try {
    return readCrl(Buffer.from(base64, 'base64'));
  } catch (cause) {
    throw new Problem('input.malformed', `${field}: ${(cause as Error).message}`, { cause });
  }
}
