import { constant, decode, fixed, rest, struct, u16le, u32le } from '@vouchsafe/bytes/codec';
import { attempt } from '../attempt.ts';
import { Guid } from './guid.ts';
import { decodeSignatureLists, type Signature } from './signature-list.ts';

const maxBytes = 2 ** 20;

/** EFI_VARIABLE_AUTHENTICATION_2 (UEFI 2.10, 8.2.2): a WIN_CERTIFICATE_UEFI_GUID (32.2.4), and the value behind it. */
export const SignedValue = struct('EFI_VARIABLE_AUTHENTICATION_2', {
  timeStamp: fixed('TimeStamp', 16),
  dwLength: u32le,
  wRevision: constant(u16le, 0x0200),
  wCertificateType: constant(u16le, 0x0ef1),
  certType: Guid,
  certDataAndValue: rest('CertData and value', maxBytes),
});

/** Bytes of the certificate that stand before CertData; dwLength counts them too. */
const certificateHead = 24;

/** Attributes use the low byte only (UEFI 2.10, 8.2.1), and no signature type's GUID begins with such a number. */
const hasAttributes = (file: Uint8Array): boolean => file.length >= 4 && !file[1] && !file[2] && !file[3];

/**
 * The entries of a file that holds a signature database, in one of the forms in which they are handed about: a signed
 * update (the files of the UEFI Forum), a variable as Linux shows it in efivarfs (four bytes of attributes first), or
 * bare signature lists. The signature of an update is not checked: whoever reads a list decides what it is worth.
 * @throws {DecodeError} when it is none of them
 */
export function decodeDatabaseFile(file: Uint8Array): Signature[] {
  const signed = attempt(() => decode(SignedValue, file));
  if (signed !== undefined) {
    const skipped = signed.dwLength - certificateHead;
    // A length beyond the end leaves nothing, and no database is empty by accident.
    if (skipped >= 0 && skipped < signed.certDataAndValue.length)
      return decodeSignatureLists(signed.certDataAndValue.subarray(skipped));
  }
  return decodeSignatureLists(hasAttributes(file) ? file.subarray(4) : file);
}
