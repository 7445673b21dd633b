import { ekKeyOf } from '@vouchsafe/domain/attestation/ek';
import { readEkLeaf } from '@vouchsafe/domain/attestation/ek-leaf';
import { ekPemOf, readEkPem } from '@vouchsafe/domain/attestation/ek-pem';
import { EkHash } from '@vouchsafe/domain/attestation/host-record';
import { virtualTpm } from '@vouchsafe/domain/attestation/virtual-tpms';
import { Problem } from '@vouchsafe/domain/problem';
import { pemBlocks } from '@vouchsafe/domain/x509/pem-blocks';
import Type from 'typebox';
import { defined, type Wish } from '../registry/approval.ts';

type KeyWish = Pick<Wish, 'ek' | 'public_key' | 'tpm' | 'manufacturer' | 'model'>;

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
export function readKey({ public_key, certificate, ek }: NamedKey): KeyWish {
  const given = [public_key, certificate, ek].filter((each) => each !== undefined).length;
  if (given !== 1) throw new Problem('input.invalid', 'expected exactly one of public_key, certificate and ek');
  if (ek !== undefined) return { ek };
  if (public_key !== undefined) return readEkPem(public_key, 'public_key');
  return readCertified(String(certificate));
}

/** An EK certificate is no proof here, but what it says of its TPM is worth keeping: most of all that it is virtual. */
function readCertified(text: string): KeyWish {
  const [der, second] = pemBlocks(text, 'CERTIFICATE');
  if (der === undefined || second !== undefined)
    throw new Problem('input.malformed', 'certificate: expected one certificate in PEM');
  const { key } = ekKeyOf(der);
  const { manufacturer, model } = readEkLeaf(der);
  const virtual = virtualTpm({ manufacturer, model, version: undefined }, []) !== undefined;
  return { ...ekPemOf(key), ...(virtual && { tpm: 'virtual' as const }), ...defined({ manufacturer, model }) };
}
