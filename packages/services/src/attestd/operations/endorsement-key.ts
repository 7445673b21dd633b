import { ekHashOfCertificate } from '@vouchsafe/domain/attestation/ek';
import { ekPemOf, readEkPem } from '@vouchsafe/domain/attestation/ek-pem';
import { EkHash } from '@vouchsafe/domain/attestation/host-record';
import { certificateOf } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import type { Wish } from '../registry/approval.ts';

/** The three ways to name an endorsement key in a request: exactly one of them. */
export const namedKey = {
  public_key: Type.Optional(Type.String({ maxLength: 4096 })),
  certificate: Type.Optional(Type.String({ maxLength: 16384 })),
  /** SHA-256 of the SubjectPublicKeyInfo, for a key that waits for approval or is known from elsewhere. */
  ek: Type.Optional(EkHash),
} as const;

interface NamedKey {
  readonly public_key?: string;
  readonly certificate?: string;
  readonly ek?: string;
}

/** The endorsement key of a request. @throws {Problem} `input.invalid`, `input.malformed` naming the field */
export function readKey({ public_key, certificate, ek }: NamedKey): Pick<Wish, 'ek' | 'public_key'> {
  const given = [public_key, certificate, ek].filter((each) => each !== undefined).length;
  if (given !== 1) throw new Problem('input.invalid', 'expected exactly one of public_key, certificate and ek');
  if (ek !== undefined) return { ek };
  if (public_key !== undefined) return readEkPem(public_key, 'public_key');
  const leaf = certificateOf(String(certificate), 'certificate');
  ekHashOfCertificate(leaf);
  return ekPemOf(leaf.publicKey);
}
