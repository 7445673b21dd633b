import { maxKnownAks } from '@vouchsafe/domain/attestation/host-record';
import type { ConfigStore } from '@vouchsafe/store/config-store';

/** EKs by AK, AKs by EK, and EKs themselves, PEM. */
const [eksOfAk, aksOfEk, publicKeys] = ['aks', 'ek-aks', 'ek-keys'] as const;

/**
 * Which attestation keys were proven beside which endorsement keys. It is state, not configuration: every member of a
 * group sees its own attestations. What was learnt goes into the rows when somebody approves or revokes them, and comes
 * back from rows that another member wrote.
 *
 * The first of each stay, so that nobody pushes the AK out under which a TPM is known by making many others.
 */
export class KnownAks {
  readonly #store: ConfigStore;

  constructor(store: ConfigStore) {
    this.#store = store;
  }

  /** EKs that were proven beside this AK. */
  eksOf = (ak: string): readonly string[] => this.#list(eksOfAk, ak);

  /** AKs that were proven beside this EK. */
  aksOf = (ek: string): readonly string[] => this.#list(aksOfEk, ek);

  /** An EK that was proven, PEM: the registry may have been told its hash only. */
  publicKeyOf = (ek: string): string | undefined => this.#store.getState(publicKeys, ek) as string | undefined;

  /**
   * Remembers a pair that an attestation proved. Costs one look-up when it is known.
   * @param publicKey the EK, PEM
   */
  remember(ek: string, ak: string, publicKey?: () => string): void {
    if (this.eksOf(ak).includes(ek)) return;
    this.#store.together(() => {
      this.#add(eksOfAk, ak, ek);
      this.#add(aksOfEk, ek, ak);
      if (publicKey !== undefined) this.#store.putState(publicKeys, ek, publicKey());
    });
  }

  #add(collection: string, name: string, one: string): void {
    const known = this.#list(collection, name);
    if (known.includes(one) || known.length >= maxKnownAks) return;
    this.#store.putState(collection, name, [...known, one]);
  }

  #list(collection: string, name: string): readonly string[] {
    return (this.#store.getState(collection, name) ?? []) as readonly string[];
  }
}
