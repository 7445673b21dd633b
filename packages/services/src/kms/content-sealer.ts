import type { Secret } from '@vouchsafe/bytes/secret';
import type { Sealer } from '@vouchsafe/store/seal';
import type { ManagedObject } from './managed-object.ts';

type Named = Pick<ManagedObject, 'id' | 'scope'>;

/**
 * Seals the content of objects under the key of the store, bound to the object's id and scope: content that is moved to
 * another object, or an object that is moved to another scope, does not open. One key must not seal more than 2^32
 * times, since the IVs are random (NIST SP 800-38D, 8.3).
 */
export class ContentSealer {
  readonly #sealer: Sealer;

  /** @param sealer under the key of the store, see `openStoreKey` */
  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  seal(object: Named, content: Secret): Uint8Array {
    return this.#sealer.seal(name(object), content);
  }

  /** @throws {Problem} `file.unreadable` when it was sealed for another object, or was changed */
  open(object: Named, sealed: Uint8Array): Secret {
    return this.#sealer.open(name(object), sealed);
  }
}

const name = ({ id, scope }: Named) => `kms content/1\0${scope}\0${id}`;
