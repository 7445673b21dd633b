import type { KeyObject } from 'node:crypto';
import type { KeyReference, KeyUse } from './reference.ts';

/** A KEK in memory with the reference that opens it again and what it may be used for. */
export interface Kek {
  readonly reference: KeyReference;
  /** 32-byte AES key. */
  readonly key: KeyObject;
  readonly uses: readonly KeyUse[];
}

/** A source of KEKs as a host sees it, the same for all three kinds of key provider. */
export interface KeyProvider {
  readonly id: string;
  readonly kind: KeyReference['kind'];
  /** A new KEK, verified to open again before it is given out. @throws {Problem} */
  generate(): Promise<Kek>;
  /** The KEK of a reference. @throws {Problem} `release.refused` and others */
  open(reference: KeyReference): Promise<Kek>;
}
