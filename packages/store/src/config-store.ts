import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { openDatabase } from './database.ts';
import type { Sealer } from './seal.ts';

/** A document of the configuration: it belongs to a collection and has a name there. */
export interface Document {
  readonly collection: string;
  readonly name: string;
  readonly body: unknown;
}

/** The whole configuration of a part, as it is copied between hosts and compared. */
export interface RawConfiguration {
  readonly generation: number;
  /** SHA-256 over all documents in order of collection and name, in hexadecimal. */
  readonly fingerprint: string;
  readonly last_update_time: string;
  readonly documents: readonly Document[];
}

/**
 * The configuration and state of one part in one SQLite file that only this part writes.
 *
 * Three kinds of things stand in it: *documents* are configuration, and every write of one counts the generation up;
 * *state* is what the part has seen (it is no part of the fingerprint); *secrets* are sealed under a key outside.
 * All calls are synchronous: what one call reads and writes nobody else can come between.
 */
export class ConfigStore implements Disposable {
  readonly #database: DatabaseSync;
  readonly #sealer: Sealer;
  readonly #now: () => Date;
  readonly #prepared = new Map<string, StatementSync>();
  #together = false;

  private constructor(database: DatabaseSync, sealer: Sealer, now: () => Date) {
    this.#database = database;
    this.#sealer = sealer;
    this.#now = now;
  }

  /** @throws {Problem} `file.unreadable`, `config.invalid` */
  static open(path: string, sealer: Sealer, now = () => new Date()): ConfigStore {
    return new ConfigStore(openDatabase(path), sealer, now);
  }

  get(collection: string, name: string): unknown {
    return this.#body(this.#sql('SELECT body FROM document WHERE collection = ? AND name = ?').get(collection, name));
  }

  list(collection: string): Document[] {
    const rows = this.#sql('SELECT name, body FROM document WHERE collection = ? ORDER BY name').all(collection);
    return rows.map((row) => ({ collection, name: String(row.name), body: this.#body(row) }));
  }

  /** Writes a document anew. */
  put(collection: string, name: string, body: unknown): void {
    this.#counted(() => this.#write({ collection, name, body }));
  }

  /** Writes a document that must not exist yet. @throws {Problem} `object.exists` */
  add(collection: string, name: string, body: unknown): void {
    this.#counted(() => {
      if (this.get(collection, name) !== undefined) throw new Problem('object.exists', `${collection}: ${name}`);
      this.#write({ collection, name, body });
    });
  }

  /** @throws {Problem} `object.unknown` */
  delete(collection: string, name: string): void {
    this.#counted(() => {
      const { changes } = this.#sql('DELETE FROM document WHERE collection = ? AND name = ?').run(collection, name);
      if (changes === 0) throw new Problem('object.unknown', `${collection}: ${name}`);
    });
  }

  raw(): RawConfiguration {
    const { number, updated } = this.#generation();
    const rows = this.#sql('SELECT collection, name, body FROM document ORDER BY collection, name').all();
    const fingerprint = createHash('sha256');
    for (const row of rows) fingerprint.update(JSON.stringify([row.collection, row.name, row.body]));
    const documents = rows.map((row) => ({
      collection: String(row.collection),
      name: String(row.name),
      body: this.#body(row),
    }));
    return { generation: number, fingerprint: fingerprint.digest('hex'), last_update_time: updated, documents };
  }

  /**
   * Takes over a whole configuration, if it is newer than ours.
   * @throws {Problem} `object.in-use` when its generation is not higher: nobody is levelled downwards
   */
  replace({ generation, documents }: Pick<RawConfiguration, 'generation' | 'documents'>): void {
    this.together(() => {
      const { number } = this.#generation();
      if (generation <= number)
        throw new Problem('object.in-use', `generation ${generation} is not above ${number}, which is here`);
      this.#sql('DELETE FROM document').run();
      for (const document of documents) this.#write(document);
      this.#sql('UPDATE generation SET number = ?, updated = ?').run(generation, this.#now().toISOString());
    });
  }

  getState(collection: string, name: string): unknown {
    return this.#body(this.#sql('SELECT body FROM state WHERE collection = ? AND name = ?').get(collection, name));
  }

  listState(collection: string): Document[] {
    const rows = this.#sql('SELECT name, body FROM state WHERE collection = ? ORDER BY name').all(collection);
    return rows.map((row) => ({ collection, name: String(row.name), body: this.#body(row) }));
  }

  countState(collection: string): number {
    return Number(this.#sql('SELECT count(*) AS n FROM state WHERE collection = ?').get(collection)?.n);
  }

  putState(collection: string, name: string, body: unknown): void {
    this.#sql('INSERT INTO state VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body').run(
      collection,
      name,
      JSON.stringify(body),
    );
  }

  deleteState(collection: string, name: string): void {
    this.#sql('DELETE FROM state WHERE collection = ? AND name = ?').run(collection, name);
  }

  /** @throws {Problem} `file.unreadable` when the secret does not open with the key of this part */
  getSecret(name: string): Secret | undefined {
    const row = this.#sql('SELECT sealed FROM secret WHERE name = ?').get(name);
    return row === undefined ? undefined : this.#sealer.open(name, row.sealed as Uint8Array);
  }

  putSecret(name: string, secret: Secret): void {
    const sealed = this.#sealer.seal(name, secret);
    this.#sql('INSERT INTO secret VALUES (?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed').run(name, sealed);
  }

  deleteSecret(name: string): void {
    this.#sql('DELETE FROM secret WHERE name = ?').run(name);
  }

  [Symbol.dispose](): void {
    this.#prepared.clear();
    this.#database.close();
  }

  #generation(): { readonly number: number; readonly updated: string } {
    const row = this.#sql('SELECT number, updated FROM generation').get();
    return { number: Number(row?.number), updated: String(row?.updated) };
  }

  /** Several changes as one: all of them happen, or none. It may stand inside another. */
  together<T>(change: () => T): T {
    return this.#atOnce('BEGIN IMMEDIATE', change);
  }

  /**
   * The same for what mostly turns out to be nothing: costs nothing then. Who reads here what it will write must be the
   * only one who writes it, as the part that owns the store is.
   */
  togetherIfAny<T>(change: () => T): T {
    return this.#atOnce('BEGIN', change);
  }

  #atOnce<T>(begin: 'BEGIN' | 'BEGIN IMMEDIATE', change: () => T): T {
    if (this.#together) return change();
    this.#database.exec(begin);
    this.#together = true;
    try {
      const result = change();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    } finally {
      this.#together = false;
    }
  }

  #counted(change: () => void): void {
    this.together(() => {
      change();
      this.#sql('UPDATE generation SET number = number + 1, updated = ?').run(this.#now().toISOString());
    });
  }

  #write({ collection, name, body }: Document): void {
    const sql = `INSERT INTO document VALUES (?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET body = excluded.body, updated = excluded.updated`;
    this.#sql(sql).run(collection, name, JSON.stringify(body), this.#now().toISOString());
  }

  #body(row: Record<string, unknown> | undefined): unknown {
    return row === undefined ? undefined : JSON.parse(String(row.body));
  }

  #sql(text: string): StatementSync {
    const known = this.#prepared.get(text) ?? this.#database.prepare(text);
    this.#prepared.set(text, known);
    return known;
  }
}
