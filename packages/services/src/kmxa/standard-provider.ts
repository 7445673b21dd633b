import type { Kek, KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { KeyReference } from '@vouchsafe/domain/keys/reference';
import { mayEncrypt } from '@vouchsafe/domain/keys/standard';
import { Problem } from '@vouchsafe/domain/problem';
import type { PushedKeys } from './pushed-keys.ts';

/**
 * A standard key provider as a host uses it: the center makes keys on a key server and hands them out. They are in
 * memory alone; after a start of the agent the center hands them out again.
 */
export class StandardProvider implements KeyProvider {
  readonly kind = 'standard';
  readonly id: string;
  readonly #keys: PushedKeys;
  readonly #chosen: string | undefined;

  /** @param chosen id of the key for what is to be encrypted; without it keys are only opened */
  constructor(id: string, keys: PushedKeys, chosen?: string) {
    this.id = id;
    this.#keys = keys;
    this.#chosen = chosen;
  }

  /** The key that was chosen, if it may encrypt. @throws {Problem} `input.invalid`, `key.not-active`, `key.not-here` */
  async generate(): Promise<Kek> {
    if (this.#chosen === undefined) {
      const here = this.#keys.standardKeys(this.id).flatMap(({ id, key }) => (key === undefined ? [] : [id]));
      throw new Problem(
        'input.invalid',
        `key: a standard provider makes its keys on the key server; name one of those that are here: ${here.join(', ') || 'there is none'}`,
      );
    }
    const { held } = this.#keys.standardKey(this.id, this.#chosen);
    if (!mayEncrypt(held.state))
      throw new Problem('key.not-active', `key ${this.#chosen} of provider ${this.id} is ${held.state}`);
    return await this.open({ kind: 'standard', prv: this.id, id: this.#chosen });
  }

  /** The key of an id, whatever its state: what is encrypted already goes on opening. */
  async open(reference: KeyReference): Promise<Kek> {
    if (reference.kind !== 'standard') throw new TypeError(`a ${reference.kind} key is not one of a standard provider`);
    const { uses } = this.#keys.provider(this.id);
    return { reference, key: this.#keys.standardKey(this.id, reference.id).key, uses };
  }
}
