import { Problem } from '@vouchsafe/domain/problem';
import { changed, type Recorder, recorded } from '../management/recorded.ts';
import type { Provider, ProviderConfiguration } from './configuration.ts';
import { afterStep, type PrimaryKeyStep, proofUnder } from './primary-key-steps.ts';
import type { PrimaryKeys } from './primary-keys.ts';

/** What came of asking one other member. */
export interface MemberOutcome {
  readonly name: string;
  /** Why it has not done it, and of which kind that is; not there when it has. */
  readonly problem?: string;
  readonly kind?: string;
}

/** How far a rotation is. */
export interface RotationReport {
  readonly uid: string;
  /** `prepare`: until all members have opened something under the new key. `switch`: until all wrap with it. */
  readonly phase: 'prepare' | 'switch' | 'done';
  readonly members: readonly MemberOutcome[];
}

export interface RotationsInput extends Recorder {
  readonly providers: ProviderConfiguration;
  readonly primaryKeys: PrimaryKeys;
  /** Has every other member of the group do a step. @throws {Problem} `host.not-ready` */
  readonly others: (provider: string, step: PrimaryKeyStep) => Promise<MemberOutcome[]>;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** Where tests may end the process. */
export type RotationStep = 'tested' | 'next' | 'prepared' | 'switched' | 'done';

/** Milliseconds after which members that were behind are asked again. */
export const rotationRetry = 10_000;
const collection = 'rotations';

/**
 * Rotations of primary keys over all members of the group. No member wraps with a key before each has opened something
 * under it, so whatever one makes the others open. A rotation that began here goes on until all have switched, over
 * restarts; every step may be done twice.
 */
export class Rotations {
  readonly #input: RotationsInput;
  readonly #reached: (step: RotationStep) => void;
  readonly #reports = new Map<string, RotationReport>();
  readonly #running = new Map<string, Promise<RotationReport>>();

  constructor(input: RotationsInput, reached: (step: RotationStep) => void = () => undefined) {
    [this.#input, this.#reached] = [input, reached];
  }

  /**
   * Makes a key the primary key of a provider, or goes on with that.
   * @throws {Problem} `kmip.key-unusable`, `kmip.unreachable`, `kmip.refused` when the key cannot be used here;
   * `object.in-use` when another rotation is under way
   */
  async rotate(provider: Provider, uid: string): Promise<RotationReport> {
    const { store, primaryKeys } = this.#input;
    await primaryKeys.test(provider, uid);
    this.#reached('tested');
    const pending = this.#pending(provider.id);
    if (pending !== undefined && pending !== uid && isWanted(provider, pending))
      throw new Problem('object.in-use', `provider ${provider.name}: the rotation to ${pending} is under way`);
    if (roleOf(provider, uid) === 'current' && pending !== uid) return await this.#go(provider, uid);
    this.#write(provider, { uid, role: 'next' }, () => store.putState(collection, provider.id, { uid }));
    this.#reached('next');
    return await this.#go(provider, uid);
  }

  /** Goes on with all that began here and is not done; what stands in the way is in the report. */
  async resume(): Promise<void> {
    const { store, providers } = this.#input;
    for (const { name, body } of store.listState(collection)) {
      const { uid } = body as { uid: string };
      const provider = providers.find(name);
      if (provider === undefined || !isWanted(provider, uid)) {
        store.deleteState(collection, name);
        continue;
      }
      const phase = roleOf(provider, uid) === 'next' ? 'prepare' : 'switch';
      await this.#go(provider, uid).catch((error: Error) =>
        this.#reports.set(name, { uid, phase, members: [{ name: 'this host', problem: error.message }] }),
      );
    }
  }

  /** How far the rotation of a provider is; undefined when none began here since the start. */
  report({ id }: Provider): RotationReport | undefined {
    return this.#reports.get(id);
  }

  /** Has all members forget a key. @throws {Problem} `object.in-use` */
  async drop(provider: Provider, uid: string, force: boolean): Promise<MemberOutcome[]> {
    const step: PrimaryKeyStep = { uid, role: 'gone', force, cancel: roleOf(provider, uid) === 'next' };
    afterStep(provider, step);
    const { store, others } = this.#input;
    const outcomes = await others(provider.id, step);
    if (outcomes.some(({ kind }) => kind === 'object.in-use'))
      throw new Problem('object.in-use', `provider ${provider.name}: a member wraps with ${uid} already`);
    this.#write(provider, step, () => {
      if (this.#pending(provider.id) === uid) store.deleteState(collection, provider.id);
    });
    this.#reports.delete(provider.id);
    return outcomes;
  }

  /** Does what another member asks for. @throws {Problem} as declared, and what stands in the way */
  async obey(provider: Provider, step: PrimaryKeyStep): Promise<void> {
    if (step.role !== 'next') return this.#write(provider, step);
    const { primaryKeys } = this.#input;
    await primaryKeys.test(provider, step.uid);
    const key = await primaryKeys.get(provider, step.uid, 'open');
    await key
      .open(step.proof ?? '', () => undefined)
      .catch((cause: unknown) => {
        throw new Problem('kmip.refused', `provider ${provider.name}: ${step.uid} is another key here`, { cause });
      });
    this.#write(provider, step);
  }

  #go(provider: Provider, uid: string): Promise<RotationReport> {
    const known = this.#running.get(provider.id);
    if (known !== undefined) return known;
    const running = this.#drive(provider.id, uid)
      .then((report) => {
        this.#reports.set(provider.id, report);
        return report;
      })
      .finally(() => this.#running.delete(provider.id));
    this.#running.set(provider.id, running);
    return running;
  }

  async #drive(id: string, uid: string): Promise<RotationReport> {
    const { providers, primaryKeys, others, store, now } = this.#input;
    const provider = providers.get(id);
    const phase = roleOf(provider, uid) === 'next' ? 'prepare' : 'switch';
    const proof = await proofUnder(await primaryKeys.test(provider, uid), provider, now());
    const prepared = await others(id, { uid, role: 'next', proof });
    if (prepared.some(isBehind)) return { uid, phase, members: prepared };
    if (!isWanted(providers.get(id), uid))
      throw new Problem('object.in-use', `provider ${provider.name}: another rotation came after that to ${uid}`);
    this.#reached('prepared');
    this.#write(provider, { uid, role: 'current' });
    this.#reached('switched');
    const members = await others(id, { uid, role: 'current' });
    if (members.some(isBehind)) return { uid, phase: 'switch', members };
    store.deleteState(collection, id);
    this.#reached('done');
    return { uid, phase: 'done', members };
  }

  #pending = (id: string): string | undefined =>
    (this.#input.store.getState(collection, id) as { uid?: string } | undefined)?.uid;

  /** The list after a step, in one transaction with its record. */
  #write(provider: Provider, step: PrimaryKeyStep, also: () => void = () => undefined): void {
    const { providers } = this.#input;
    const { id } = provider;
    const before = providers.get(id);
    const primary_keys = afterStep(before, step);
    const same = JSON.stringify(primary_keys) === JSON.stringify(before.primary_keys);
    const entry = changed('provider.rotate', 'provider', id, { name: provider.name, uid: step.uid, role: step.role });
    if (same) this.#input.store.together(also);
    else
      recorded(this.#input, entry, () => {
        providers.put({ ...before, primary_keys });
        also();
      });
  }
}

const isBehind = ({ problem }: MemberOutcome): boolean => problem !== undefined;

const roleOf = ({ primary_keys }: Provider, uid: string) => primary_keys.find((key) => key.uid === uid)?.role;

/** Whether a rotation to a key goes on: one that is old has been followed by another, from whichever member. */
const isWanted = (provider: Provider, uid: string): boolean =>
  ['next', 'current'].includes(String(roleOf(provider, uid)));
