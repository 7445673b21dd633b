import { type FirmwareBlock, readFirmwareBlock } from '@vouchsafe/domain/attestation/firmware-block';
import { Problem } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import { sameName } from '../management/collections.ts';

/** Where the entries stand in the store. */
export const firmwareBlocks = 'tpm2/firmware-blocklist';

/** Most entries: each is looked at in every attestation. */
const maxEntries = 1000;

/** @throws {Problem} `input.invalid` */
export const checkFirmwareBlock = (name: string, body: unknown): void => sameName(name, readFirmwareBlock(body).name);

/** Runs a change of the store, and tells the policy of it. */
interface Changes {
  readonly changed: (change: () => void) => void;
  readonly lessTrust: (change: () => void) => void;
}

/** Firmware of TPMs that is refused or told, as it is stored. */
export class FirmwareBlocklist {
  readonly #store: ConfigStore;
  readonly #changes: Changes;

  constructor(store: ConfigStore, changes: Changes) {
    this.#store = store;
    this.#changes = changes;
  }

  entries(): FirmwareBlock[] {
    return this.#store.list(firmwareBlocks).map(({ body }) => readFirmwareBlock(body));
  }

  /**
   * Writes entries, over what stands under their names. One that refuses takes trust away from all that it may meet.
   * @throws {Problem} `input.too-large`
   */
  put(...blocks: readonly FirmwareBlock[]): void {
    const names = new Set([...this.entries(), ...blocks].map(({ name }) => name));
    if (names.size > maxEntries)
      throw new Problem('input.too-large', `${names.size} entries in the firmware blocklist, at most ${maxEntries}`);
    const change = () => {
      for (const block of blocks) this.#store.put(firmwareBlocks, block.name, block);
    };
    if (blocks.some(({ severity }) => severity === 'fail')) this.#changes.lessTrust(change);
    else this.#changes.changed(() => this.#store.together(change));
  }

  /** @throws {Problem} `object.unknown` */
  delete(name: string): void {
    this.#changes.changed(() => this.#store.delete(firmwareBlocks, name));
  }
}
