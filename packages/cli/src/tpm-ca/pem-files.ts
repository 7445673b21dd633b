import { Problem } from '@vouchsafe/domain/problem';
import { certificatePem, pemBlocks } from '@vouchsafe/domain/x509/pem-blocks';
import { readInput } from '../files.ts';

/** Largest file of certificates or revocation lists, in bytes. */
export const largestFile = 8 * 1024 * 1024;

const labels = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'];

/** The certificates of files as PEM text; files may hold one in DER, or any number in PEM. @throws {Problem} */
export const certificatesIn = (files: readonly string[]): string =>
  files.map((file) => pemOf(readInput(file, largestFile), file)).join('\n');

/** The same of one file's bytes. @throws {Problem} `input.malformed` naming the file */
export const pemOf = (bytes: Uint8Array, file: string): string => pemListOf(bytes, file).join('\n');

/** Each certificate of a file as PEM text of its own. @throws {Problem} `input.malformed` naming the file */
export function pemListOf(bytes: Uint8Array, file: string): string[] {
  if (bytes[0] === 0x30) return [certificatePem(bytes)];
  const blocks = pemBlocks(Buffer.from(bytes).toString('latin1'), ...labels);
  if (blocks.length === 0) throw new Problem('input.malformed', `${file}: expected certificates in PEM or DER`);
  return blocks.map(certificatePem);
}

/** The revocation list of a file, PEM or DER, as base64 of its DER. @throws {Problem} `input.malformed` */
export function crlOf(bytes: Uint8Array, file: string): string {
  if (bytes[0] === 0x30) return Buffer.from(bytes).toString('base64');
  const [der] = pemBlocks(Buffer.from(bytes).toString('latin1'), 'X509 CRL', 'CRL');
  if (der === undefined) throw new Problem('input.malformed', `${file}: expected a revocation list in PEM or DER`);
  return Buffer.from(der).toString('base64');
}
