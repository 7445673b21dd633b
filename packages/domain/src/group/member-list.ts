import type { MemberEntry, MemberStatement, Tombstone } from './member.ts';

/** A statement that was checked, as it is kept and passed on. */
export interface KeptStatement {
  readonly jws: string;
  readonly statement: MemberStatement;
}

/** More statements than this are not kept: a group has few members, and each is spoken of by few others. */
export const maxStatements = 4096;

/**
 * The members of a group, from all statements that were ever heard. Statements are only added, and the list follows
 * from the set of them, so members that have heard the same agree. A removal wins over every entry, and entries by a
 * removed member count no more: who removes one says again who the others are.
 */
export class MemberList {
  readonly #kept = new Map<string, KeptStatement>();

  constructor(statements: Iterable<KeptStatement> = []) {
    for (const each of statements) this.add(each);
  }

  /** Adds a statement that was checked. @returns its key when it is new, undefined when nothing changed */
  add(kept: KeptStatement): string | undefined {
    const key = keyOfStatement(kept.statement);
    const known = this.#kept.get(key)?.statement;
    if (known !== undefined && !supersedes(kept.statement, known)) return undefined;
    if (known === undefined && this.#kept.size >= maxStatements) return undefined;
    this.#kept.set(key, kept);
    return key;
  }

  /** All statements, for others. */
  statements(): KeptStatement[] {
    return [...this.#kept.values()];
  }

  /** Who is a member now, by name. */
  members(): MemberEntry[] {
    const removed = new Set(this.tombstones().map(({ id }) => id));
    const best = new Map<string, MemberEntry>();
    for (const { statement } of this.#kept.values()) {
      if (!isEntry(statement) || removed.has(statement.id) || removed.has(statement.by)) continue;
      const other = best.get(statement.id);
      if (other === undefined || isBetter(statement, other)) best.set(statement.id, statement);
    }
    return [...best.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  find(id: string): MemberEntry | undefined {
    return this.members().find((member) => member.id === id);
  }

  tombstones(): Tombstone[] {
    const all = [...this.#kept.values()].map(({ statement }) => statement);
    return all.filter((statement): statement is Tombstone => !isEntry(statement));
  }

  /** The names of hosts that were removed; they are never used again. */
  removedNames(): string[] {
    return [...new Set(this.tombstones().map(({ name }) => name))].toSorted();
  }

  /** Entries that a member made and that nobody else confirms. */
  entriesBy(id: string): MemberEntry[] {
    return this.members().filter((member) => member.by === id && member.id !== id);
  }

  /** Whether a name belongs, or belonged, to somebody. */
  isTaken(name: string): boolean {
    return [...this.#kept.values()].some(({ statement }) => statement.name === name);
  }
}

const isEntry = (statement: MemberStatement): statement is MemberEntry => 'sig' in statement;

/** One place for each subject and speaker: no speaker can push out what another said. */
export const keyOfStatement = (statement: MemberStatement): string =>
  `${statement.id}.${statement.by}.${isEntry(statement) ? 'entry' : 'removed'}`;

const supersedes = (next: MemberStatement, known: MemberStatement): boolean =>
  isEntry(next) && isEntry(known) && next.gen > known.gen;

/** The later one; of two alike any, but the same for everybody. */
const isBetter = (a: MemberEntry, b: MemberEntry): boolean => (a.gen === b.gen ? a.by < b.by : a.gen > b.gen);
