import { isDeepStrictEqual } from 'node:util';
import { AllowList } from '@vouchsafe/domain/attestation/ima/allow-list';
import { maxListBytes } from '@vouchsafe/domain/attestation/ima/checksum-lines';
import { ImaList } from '@vouchsafe/domain/attestation/ima/ima-list';
import { defaultImaSettings, ImaSettings, imaPolicyOf } from '@vouchsafe/domain/attestation/ima-policy';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import { sameName } from '../management/collections.ts';

/** Where lists and settings of IMA stand in the store. */
export const imaCollections = { imaLists: 'ima-lists', imaSettings: 'ima-settings' } as const;

const name = 'settings';
const readList = validator('stored IMA list', ImaList);
const readShape = validator('stored IMA settings', ImaSettings);

/** All lists together, in bytes: the whole configuration must pass from one Trust Authority host to the next. */
const maxAllLists = 2 * maxListBytes;

/** @throws {Problem} `input.invalid`, `input.malformed` */
export function checkImaList(name: string, body: unknown): void {
  const list = readList(body);
  sameName(name, list.name);
  new AllowList(list);
}

/** @throws {Problem} `input.invalid`, `input.malformed` */
export function checkImaSettings(at: string, body: unknown): void {
  sameName(at, name);
  readSettings(body);
}

/** Settings whose excludes and keys can be read. */
function readSettings(body: unknown): ImaSettings {
  const settings = readShape(body);
  imaPolicyOf(settings, []);
  return settings;
}

/** Runs a change of the store, and tells the policy of it. */
interface Changes {
  readonly changed: (change: () => void) => void;
  readonly lessTrust: (change: () => void) => void;
}

/** What IMA logs are judged by, as it is stored. Lists are made ready once, not after every change of anything. */
export class ImaConfiguration {
  readonly #store: ConfigStore;
  readonly #changes: Changes;
  #lists: AllowList[] | undefined;

  constructor(store: ConfigStore, changes: Changes) {
    this.#store = store;
    this.#changes = changes;
  }

  settings(): ImaSettings {
    const stored = this.#store.get(imaCollections.imaSettings, name);
    return stored === undefined ? defaultImaSettings : readSettings(stored);
  }

  /** Any change of them may take trust away; what is written again as it is takes none. @throws {Problem} `input.invalid`, `input.malformed` */
  setSettings(settings: ImaSettings): void {
    const checked = readSettings(settings);
    const write = () => this.#store.put(imaCollections.imaSettings, name, checked);
    if (isDeepStrictEqual(checked, this.settings())) this.#changes.changed(write);
    else this.#changes.lessTrust(write);
  }

  /** The lists, ready to be asked. */
  allowLists(): readonly AllowList[] {
    this.#lists ??= this.lists().map((list) => new AllowList(list));
    return this.#lists;
  }

  lists(): ImaList[] {
    return this.#store.list(imaCollections.imaLists).map(({ body }) => readList(body));
  }

  /** @throws {Problem} `object.unknown` */
  list(name: string): ImaList {
    const stored = this.#store.get(imaCollections.imaLists, name);
    if (stored === undefined) throw new Problem('object.unknown', `IMA list ${name}`);
    return readList(stored);
  }

  /** @throws {Problem} `object.exists`, `input.malformed`, `input.too-large` */
  addList(list: ImaList): void {
    this.#refuseTooMuch(list);
    new AllowList(list);
    this.#changes.changed(() => this.#store.add(imaCollections.imaLists, list.name, list));
    this.#lists = undefined;
  }

  /** Writes a list anew; files that it named before may be gone. @throws {Problem} `object.unknown`, `input.malformed` */
  replaceList(list: ImaList): void {
    this.list(list.name);
    this.#refuseTooMuch(list);
    new AllowList(list);
    this.#changes.lessTrust(() => this.#store.put(imaCollections.imaLists, list.name, list));
    this.#lists = undefined;
  }

  /** @throws {Problem} `object.unknown` */
  deleteList(name: string): void {
    this.#changes.lessTrust(() => this.#store.delete(imaCollections.imaLists, name));
    this.#lists = undefined;
  }

  /** The store was replaced. */
  tookOver(): void {
    this.#lists = undefined;
  }

  #refuseTooMuch({ name, entries }: ImaList): void {
    const others = this.lists().filter((each) => each.name !== name);
    const sum = others.reduce((bytes, each) => bytes + each.entries.length, entries.length);
    if (sum > maxAllLists) {
      throw new Problem(
        'input.too-large',
        `IMA list ${name}: all lists together would have ${sum} bytes, limit ${maxAllLists}; delete one that no image names`,
      );
    }
  }
}
