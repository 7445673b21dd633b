import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Problem } from '@vouchsafe/domain/problem';
import { readInput } from './files.ts';

/** A private key from a file. @throws {Problem} `file.unreadable`, `input.malformed` */
export function readPrivateKey(path: string): KeyObject {
  const pem = readInput(path, 64 * 1024);
  try {
    return createPrivateKey(Buffer.from(pem));
  } catch {
    // The cause is left out: messages of the parser could quote the key.
    throw new Problem('input.malformed', `${path}: expected an unencrypted private key in PEM`);
  } finally {
    pem.fill(0);
  }
}
