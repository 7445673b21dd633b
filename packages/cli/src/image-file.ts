import { existsSync } from 'node:fs';
import { base64url } from '@vouchsafe/bytes/base64url';
import { type ReadImageFile, readImageFile } from '@vouchsafe/domain/attestation/image-file';
import { readInput } from './files.ts';

/** Largest signature file that is read. */
const maxSignature = 64 * 1024;

/** An image file with the signature beside it, as the management API takes them. */
export interface ImageUpload {
  readonly read: ReadImageFile;
  readonly body: { readonly file: string; readonly signature?: string };
}

/** Where the signature of a file lies: golden.json has golden.jws. */
export const signatureOf = (file: string): string => `${file.replace(/\.json$/, '')}.jws`;

/**
 * Reads an image file and its signature: the one that is named, or the one beside it when there is one.
 * @throws {Problem} `file.unreadable`, `input.malformed`, `input.invalid` naming the field
 */
export function readUpload(file: string, signature?: string): ImageUpload {
  const octets = readInput(file);
  const read = readImageFile(`base image ${file}`, octets);
  const beside = signature ?? (file !== '-' && existsSync(signatureOf(file)) ? signatureOf(file) : undefined);
  const jws = beside && new TextDecoder().decode(readInput(beside, maxSignature)).trim();
  return { read, body: { file: base64url(octets), ...(jws !== undefined && { signature: jws }) } };
}
