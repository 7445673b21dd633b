import { type Certificate, readCertificate } from '../x509/certificate.ts';
import { sizeOfFirst } from '../x509/der.ts';
import { keyUsageBits } from '../x509/extensions.ts';
import type { EkQuirk } from './ek-quirks.ts';
import { type TpmAttributes, tpmAttributesOf } from './tpm-attributes.ts';

/** The certificate of an EK as it was found, and what had to be borne to read it. Nothing is verified. */
export interface EkLeaf extends TpmAttributes {
  readonly certificate: Certificate;
  readonly quirks: readonly EkQuirk[];
}

/**
 * TCG_PCCLIENT_STORED_CERT and TCG_FULL_CERT (TCG PC Client Specific Implementation Specification 1.21, 7.3.2): tag
 * 1001, type 00 for a full certificate, size, tag 1002.
 */
const storedHeader = 7;

/** Reads what stands in NV where an EK certificate should. @throws {DecodeError} naming the field */
export function readEkLeaf(bytes: Uint8Array): EkLeaf {
  const quirks = new Set<EkQuirk>();
  const certificate = readCertificate(cutOut(bytes, quirks), (oddity) => void quirks.add(`ek.${oddity}`));
  for (const [quirk, applies] of Object.entries(peculiar)) if (applies(certificate)) quirks.add(quirk as EkQuirk);
  return { certificate, quirks: [...quirks].toSorted(), ...tpmAttributesOf(certificate) };
}

function cutOut(bytes: Uint8Array, quirks: Set<EkQuirk>): Uint8Array {
  const header = bytes[0] === 0x10 && bytes[1] === 0x01 && bytes[2] === 0 && bytes[5] === 0x10 && bytes[6] === 0x02;
  if (header) quirks.add('ek.stored-header');
  const rest = header ? bytes.subarray(storedHeader) : bytes;
  const size = sizeOfFirst(rest) ?? rest.length;
  if (size < rest.length) quirks.add('ek.trailing-bytes');
  return rest.subarray(0, size);
}

/** tcg-kp-EKCertificate (TCG EK Credential Profile 2.5, 3.2.16). */
export const ekPurpose = '2.23.133.8.1';
const anyPurpose = '2.5.29.37.0';

const isEc = ({ publicKey }: Certificate): boolean => publicKey.key?.asymmetricKeyType === 'ec';

/** Whether it says that it is for endorsement keys; undefined when it names no purpose. */
export const statesPurpose = ({ extensions }: Certificate): boolean | undefined => {
  const purposes = extensions.extendedKeyUsage?.filter((purpose) => purpose !== anyPurpose) ?? [];
  return purposes.length === 0 ? undefined : purposes.includes(ekPurpose);
};

const encrypting = [keyUsageBits.keyEncipherment, keyUsageBits.keyAgreement, keyUsageBits.dataEncipherment];

/** Whether the key may take part in encryption, as an EK does and an AK does not; undefined when no usage is stated. */
export const mayEncrypt = ({ extensions: { keyUsage } }: Certificate): boolean | undefined =>
  keyUsage === undefined ? undefined : encrypting.some((bit) => keyUsage.has(bit));

const peculiar: Readonly<Partial<Record<EkQuirk, (certificate: Certificate) => boolean>>> = {
  'ek.rsaes-oaep': ({ publicKey }) => publicKey.oaep,
  'ek.sha1': ({ algorithm }) => algorithm.hash === 'sha1',
  'ek.no-purpose': (certificate) => statesPurpose(certificate) === undefined,
  'ek.no-key-usage': (certificate) => mayEncrypt(certificate) === undefined,
  'ek.key-usage': (certificate) => {
    const { keyUsage } = certificate.extensions;
    const usual = isEc(certificate) ? keyUsageBits.keyAgreement : keyUsageBits.keyEncipherment;
    return keyUsage !== undefined && !(keyUsage.size === 1 && keyUsage.has(usual));
  },
  'ek.san-not-critical': ({ subject, extensions }) =>
    subject.rdns.length === 0 && extensions.raw.get('2.5.29.17')?.critical !== true,
};
