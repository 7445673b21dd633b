import { createHash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { base64url } from '@vouchsafe/bytes/base64url';
import { Problem } from '@vouchsafe/domain/problem';
import { readIfThere, writeSurely } from '../seal/key-file.ts';
import type { TokenPlace } from './session.ts';

/**
 * Tokens lock after a few wrong PINs, and a service that is started again and again would use them up. So a PIN file
 * that was refused is remembered, and not tried again until the file is another.
 */
export class PinGuard {
  readonly #path: string;
  readonly #mark: string;
  readonly #place: TokenPlace;

  /** @param path where a refusal is remembered */
  constructor(path: string, place: TokenPlace) {
    this.#path = path;
    this.#place = place;
    this.#mark = markOf(place);
  }

  /** @throws {Problem} `hsm.pin-refused` when this very file was refused before */
  check(): void {
    if (readIfThere(this.#path)?.toString() !== this.#mark) return;
    const { pinFile, token } = this.#place;
    throw new Problem(
      'hsm.pin-refused',
      `the token ${token} refused the PIN of ${pinFile} before: write the right one into the file; it is tried again when the file has changed`,
    );
  }

  refused(): void {
    writeSurely(this.#path, Buffer.from(this.#mark));
  }

  accepted(): void {
    rmSync(this.#path, { force: true });
  }
}

/** Which file it is and when it was changed, not what it says: that would be a hash of a short secret. */
function markOf({ module, token, serial, pinFile }: TokenPlace): string {
  const facts = statSync(pinFile, { bigint: true, throwIfNoEntry: false });
  const parts = [module, token, serial, pinFile, facts?.ino, facts?.size, facts?.mtimeNs, facts?.ctimeNs].map(String);
  return base64url(createHash('sha256').update(parts.join('\0')).digest());
}
