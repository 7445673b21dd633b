import type { Kek, KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { KeyReference, KeyUse } from '@vouchsafe/domain/keys/reference';
import type { ReleaseItem } from '@vouchsafe/domain/keys/release';
import { openSealedKey } from '@vouchsafe/domain/keys/sealed-key';
import { Problem, type ProblemKind, problems } from '@vouchsafe/domain/problem';
import type { Session } from './attester.ts';
import type { KekCache } from './kek-cache.ts';
import type { KeyReleaseClient } from './key-release-client.ts';

/** A trusted key provider as a host uses it: KEKs come from kmxd, against proof, and are cached in memory. */
export class TrustedProvider implements KeyProvider {
  readonly kind = 'trusted';
  readonly id: string;
  readonly #client: KeyReleaseClient;
  readonly #cache: KekCache;

  constructor(id: string, client: KeyReleaseClient, cache: KekCache) {
    this.id = id;
    this.#client = client;
    this.#cache = cache;
  }

  /**
   * A new KEK. It is opened again before it is given out, by another service where there is one: what cannot be opened
   * twice must not encrypt the first byte.
   */
  async generate(): Promise<Kek> {
    const { answer, session, service } = await this.#client.release('generate-key', [{ prv: this.id }]);
    const made = await this.#kekOf(answer.items[0], session);
    const again = await this.#client.release('decrypt', [{ prv: this.id, ct: ciphertextOf(made.reference) }], service);
    const opened = await this.#kekOf(again.answer.items[0], again.session);
    if (!made.key.equals(opened.key)) {
      throw new Problem('service.untrusted', 'the new key did not come back the same: nothing was encrypted with it');
    }
    return this.#cache.put(opened);
  }

  /** The KEK of a ciphertext; from the cache only while no service answers and the last verdict is young enough. */
  async open(reference: KeyReference): Promise<Kek> {
    try {
      const { answer, session } = await this.#client.release('decrypt', [
        { prv: this.id, ct: ciphertextOf(reference) },
      ]);
      return this.#cache.put(await this.#kekOf(answer.items[0], session));
    } catch (error) {
      if (!(error instanceof Problem) || !outages.includes(error.kind)) throw this.#denied(error);
      const cached = this.#cache.duringOutage(reference);
      if (cached === undefined) throw error;
      return cached;
    }
  }

  /** A denial closes the cache: what the authority refuses must not start from memory. */
  #denied(error: unknown): unknown {
    if (error instanceof Problem && error.facts.exit >= 3) this.#cache.clear();
    return error;
  }

  async #kekOf(item: ReleaseItem | undefined, session: Session): Promise<Kek> {
    if (item?.problem !== undefined) throw new Problem(kindOf(item.problem), item.detail ?? item.problem);
    if (item?.key === undefined || item.ct === undefined)
      throw new Problem('service.untrusted', 'the answer has no key');
    const key = await openSealedKey(session.encryption.privateKey, item.key);
    const uses = (item.uses ?? []) as KeyUse[];
    return { reference: { kind: 'trusted', prv: this.id, ct: item.ct }, key, uses };
  }
}

/** Nobody said no: neither the Trust Authority nor the key server behind it answers. */
const outages: readonly ProblemKind[] = [
  'service.unreachable',
  'kmip.unreachable',
  'host.not-ready',
  'server.busy',
  'group.stale',
];

const kindOf = (kind: string): ProblemKind => (kind in problems ? (kind as ProblemKind) : 'release.refused');

function ciphertextOf(reference: KeyReference): string {
  if (reference.kind !== 'trusted') throw new TypeError(`a ${reference.kind} key is not one of a trusted provider`);
  return reference.ct;
}
