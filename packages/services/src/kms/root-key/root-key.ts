import type { Secret } from '@vouchsafe/bytes/secret';

/**
 * Protects the key of a key server's store. Who has the database and no root key has nothing.
 *
 * Each implementation passes the contract in `root-key.test.ts`.
 */
export interface RootKey extends AsyncDisposable {
  /** What it is and where it lies, for people. */
  readonly where: string;
  /** Makes the root key, unless it is there. @throws {Problem} */
  make(): Promise<void>;
  /**
   * @param aad what the result is for; it opens for nothing else
   * @throws {Problem}
   */
  wrap(secret: Secret, aad: string): Promise<Uint8Array>;
  /** @throws {Problem} `root-key.unopened` when it was wrapped by another root key, for something else, or was changed */
  unwrap(wrapped: Uint8Array, aad: string): Promise<Secret>;
}
