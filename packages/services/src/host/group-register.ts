import { randomUUID } from 'node:crypto';
import { GroupStanding } from '@vouchsafe/domain/group/group-standing';
import { type GroupChange, GroupState, maxDenials } from '@vouchsafe/domain/group/group-state';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import Type from 'typebox';

/** What a follower of the register gets: everything, or what changed since it asked last. */
export const GroupNews = Type.Object({
  /** Changes with every start of the part `host`: versions of another instance mean nothing. */
  instance: Type.String({ maxLength: 64 }),
  version: Type.Integer({ minimum: 0 }),
  state: GroupState,
  /** Names of Trust Authority hosts that were removed from the group. */
  removed: Type.Array(Type.String({ maxLength: 256 }), { maxItems: 10_000 }),
  /** Why this host may not issue tokens and release keys now; not there when it may. */
  stopped: Type.Optional(Type.String({ maxLength: 1024 })),
  /** Seconds without news after which it may not; 0 for ever. */
  max_stale: Type.Integer({ minimum: 0 }),
});
export type GroupNews = Type.Static<typeof GroupNews>;

/** What a follower knows already. */
export interface Known {
  readonly version: number;
  readonly instance: string;
}

const collection = 'group-denials';
const readCounters = validator('stored epochs', Type.Pick(GroupState, ['epoch', 'min_epoch']));
const readDenial = validator(
  'stored denial',
  Type.Object({ deny: Type.Optional(Type.Integer()), lifted: Type.Optional(Type.Integer()) }),
);

/**
 * The state of the group on this host: durable before it is acknowledged to anybody, and told to whoever follows it.
 */
export class GroupRegister {
  readonly standing = new GroupStanding();
  readonly instance = randomUUID();
  readonly #store: ConfigStore;
  #version = 1;
  readonly #changed = new Map<string, number>();
  readonly #followers = new Set<() => void>();
  #stopped: string | undefined;
  #maxStale = 0;

  constructor(store: ConfigStore) {
    this.#store = store;
    const counters = store.getState('group', 'epochs');
    if (counters !== undefined) this.standing.join(readCounters(counters));
    for (const { name, body } of store.listState(collection)) {
      const { deny, lifted } = readDenial(body);
      this.standing.join({
        ...(deny === undefined ? {} : { deny: { [name]: deny } }),
        ...(lifted === undefined ? {} : { lifted: { [name]: lifted } }),
      });
    }
  }

  get version(): number {
    return this.#version;
  }

  /**
   * Takes in what a part or another member says. When it returns, all of it is on the disk.
   * @returns whether anything was new
   * @throws {Problem} `denials.full` when there would be too many denials
   */
  join(change: GroupChange): boolean {
    const subjects = [...Object.keys(change.deny ?? {}), ...Object.keys(change.lifted ?? {})];
    const next = new GroupStanding();
    next.join(this.standing.state(subjects));
    const joined = next.join(change);
    if (!joined.counters && joined.subjects.length === 0) return false;
    this.#refuseTooMany(subjects);
    this.#persist(next, joined.subjects);
    this.standing.join(change);
    this.#version++;
    for (const subject of joined.subjects) this.#changed.set(subject, this.#version);
    this.#tell();
    return true;
  }

  /** Takes in names of removed members; the members' list itself is kept elsewhere. */
  remove(names: readonly string[]): void {
    if (this.standing.remove(names)) this.#bump();
  }

  /** Something that followers get beside the state has changed. */
  touch(): void {
    this.#bump();
  }

  /** Says whether this host may serve, and how long its parts may go on without news. */
  setService(stopped: string | undefined, maxStale: number): void {
    if (this.#stopped === stopped && this.#maxStale === maxStale) return;
    this.#stopped = stopped;
    this.#maxStale = maxStale;
    this.#bump();
  }

  /** What a follower has to learn: everything when it knows nothing of this instance. */
  news(known?: Known): GroupNews {
    const since = known?.instance === this.instance ? known.version : undefined;
    const subjects =
      since === undefined
        ? undefined
        : [...this.#changed].filter(([, version]) => version > since).map(([subject]) => subject);
    return {
      instance: this.instance,
      version: this.#version,
      state: this.standing.state(subjects),
      removed: this.standing.removed,
      ...(this.#stopped === undefined ? {} : { stopped: this.#stopped }),
      max_stale: this.#maxStale,
    };
  }

  /** Waits until there is something that a follower does not know, or the time is over. */
  async change(known: Known, ms: number, signal: AbortSignal): Promise<void> {
    if (known.instance !== this.instance || known.version !== this.#version) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#followers.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#followers.add(done);
      signal.addEventListener('abort', done);
    });
  }

  /** Ends all waiting. */
  close(): void {
    this.#tell();
  }

  #refuseTooMany(subjects: readonly string[]): void {
    const added = new Set(subjects.filter((subject) => !this.standing.knows(subject))).size;
    if (added > 0 && this.standing.subjects + added > maxDenials)
      throw new Problem('denials.full', `${this.standing.subjects} subjects are denied, ${maxDenials} can be`);
  }

  #persist(next: GroupStanding, subjects: readonly string[]): void {
    const { epoch, min_epoch, deny, lifted } = next.state();
    this.#store.together(() => {
      this.#store.putState('group', 'epochs', { epoch, min_epoch });
      for (const subject of subjects)
        this.#store.putState(collection, subject, { deny: deny[subject], lifted: lifted[subject] });
    });
  }

  #bump(): void {
    this.#version++;
    this.#tell();
  }

  #tell(): void {
    for (const follower of [...this.#followers]) follower();
  }
}
