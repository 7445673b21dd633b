import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { Attribute } from '@vouchsafe/kmip/attribute';
import { decodeItem, encodeItem } from '@vouchsafe/kmip/ttlv/item';
import type { Sealer } from '@vouchsafe/store/seal';
import { namingFile } from '@vouchsafe/store/sqlite-fault';
import type { ClientCertificate, KmsClient, RegisteredClient } from './client.ts';
import type { KmsLayout } from './layout.ts';
import type { ManagedObject } from './object.ts';
import { migrations } from './schema.ts';

type Row = Record<string, SQLOutputValue>;

/** An attribute that clients name freely, without its index. */
export type FreeAttribute = Attribute;

/** What objects must be like to be found. */
export interface Filter {
  readonly owner: string;
  /** Free attributes that must stand there with exactly this value. */
  readonly free: readonly FreeAttribute[];
}

/**
 * Objects, their free attributes and clients in one SQLite file. Key material stands in it sealed, bound to the object's
 * id and type: a row copied to another object does not open.
 */
export class KmsStore implements Disposable {
  readonly #database: DatabaseSync;
  readonly #sealer: Sealer;
  readonly #prepared = new Map<string, StatementSync>();

  private constructor(database: DatabaseSync, sealer: Sealer) {
    this.#database = database;
    this.#sealer = sealer;
  }

  /**
   * @param sealer under the key of the store, see `openStoreKey`
   * @throws {Problem} `root-key.unopened` when that key does not belong to this database, `config.invalid`
   */
  static open(layout: KmsLayout, sealer: Sealer): KmsStore {
    const database = openFile(layout.database.file);
    try {
      const store = new KmsStore(database, sealer);
      namingFile(layout.database.file, () => store.#probe(layout));
      return store;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Runs `f`; when it throws, nothing that it wrote stays. */
  transaction<T>(f: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const value = f();
      this.#database.exec('COMMIT');
      return value;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  addClient(client: KmsClient): void {
    this.#sql('INSERT INTO client (name, scope, roles, users, added) VALUES (?, ?, ?, ?, ?)').run(
      client.name,
      client.scope,
      JSON.stringify(client.roles),
      JSON.stringify(client.users),
      seconds(client.added),
    );
  }

  addCertificate(client: string, { fingerprint, pem, added }: ClientCertificate): void {
    this.#sql('INSERT INTO client_certificate (fingerprint, client, pem, added) VALUES (?, ?, ?, ?)').run(
      fingerprint,
      client,
      pem,
      seconds(added),
    );
  }

  removeCertificate(fingerprint: string): boolean {
    return this.#sql('DELETE FROM client_certificate WHERE fingerprint = ?').run(fingerprint).changes > 0;
  }

  /** The client that a certificate belongs to. */
  client(fingerprint: string): KmsClient | undefined {
    const row = this.#sql(
      'SELECT client.* FROM client_certificate AS c JOIN client ON client.name = c.client WHERE c.fingerprint = ?',
    ).get(fingerprint);
    return row && clientOf(row);
  }

  clients(): RegisteredClient[] {
    const certificates = Map.groupBy(
      this.#sql('SELECT * FROM client_certificate ORDER BY added, fingerprint').all(),
      (row) => row.client,
    );
    return this.#sql('SELECT * FROM client ORDER BY name')
      .all()
      .map((row) => ({ ...clientOf(row), certificates: (certificates.get(row.name!) ?? []).map(certificateOf) }));
  }

  /** Whether anybody or anything is in a scope. */
  isScope(scope: string): boolean {
    const sql =
      'SELECT 1 WHERE EXISTS (SELECT 1 FROM client WHERE scope = ?1) OR EXISTS (SELECT 1 FROM object WHERE owner = ?1)';
    return this.#sql(sql).get(scope) !== undefined;
  }

  removeClient(name: string): boolean {
    return this.#sql('DELETE FROM client WHERE name = ?').run(name).changes > 0;
  }

  insert(object: ManagedObject, material: Secret): void {
    const row = rowOf(object);
    const columns = [...Object.keys(row), 'material'];
    this.#sql(`INSERT INTO object (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`).run(
      ...Object.values(row),
      this.#sealer.seal(sealName(object), material),
    );
  }

  /** Writes everything but the material. */
  update(object: ManagedObject): void {
    const { id, ...row } = rowOf(object);
    const columns = Object.keys(row).map((name) => `${name} = ?`);
    this.#sql(`UPDATE object SET ${columns.join(', ')} WHERE id = ?`).run(...Object.values(row), id!);
  }

  /** An object of this owner; another owner's is not there. */
  object(owner: string, id: string): ManagedObject | undefined {
    const row = this.#sql('SELECT * FROM object WHERE id = ? AND owner = ?').get(id, owner);
    return row && objectOf(row);
  }

  /** The key itself; nothing when it was destroyed. @throws {Problem} when it does not open */
  material(object: ManagedObject): Secret | undefined {
    const row = this.#sql('SELECT material FROM object WHERE id = ?').get(object.id);
    return row?.material instanceof Uint8Array ? this.#sealer.open(sealName(object), row.material) : undefined;
  }

  eraseMaterial(object: ManagedObject): void {
    this.#sql('UPDATE object SET material = NULL WHERE id = ?').run(object.id);
  }

  /** All free attributes of an object with their indices. */
  attributes(id: string): FreeAttribute[] {
    const rows = this.#sql('SELECT * FROM attribute WHERE object = ? ORDER BY name, position').all(id);
    return rows.map(({ value, position }) => ({
      ...decodeItem(Attribute, value as Uint8Array),
      index: Number(position),
    }));
  }

  addAttribute(id: string, attribute: FreeAttribute, position: number): void {
    this.#sql('INSERT INTO attribute (object, name, position, value) VALUES (?, ?, ?, ?)').run(
      id,
      attribute.name,
      position,
      encoded(attribute),
    );
  }

  /** Objects with all these attributes, newest first. */
  find({ owner, free }: Filter): ManagedObject[] {
    const having = free.map(
      () => 'AND EXISTS (SELECT 1 FROM attribute a WHERE a.object = object.id AND a.name = ? AND a.value = ?)',
    );
    const sql = `SELECT * FROM object WHERE owner = ? ${having.join(' ')} ORDER BY initial DESC, id`;
    const wanted = free.flatMap((attribute) => [attribute.name, encoded(attribute)]);
    return this.#sql(sql)
      .all(owner, ...wanted)
      .map(objectOf);
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }

  /** Fails at once when the root key is not the one that this database was made with. */
  #probe({ storeKey, database }: KmsLayout): void {
    const row = this.#sql('SELECT sealed FROM seal_probe').get();
    if (row === undefined) {
      const probe = this.#sealer.seal('seal probe', Secret.take(Uint8Array.of(1)));
      this.#sql('INSERT OR IGNORE INTO seal_probe (one, sealed) VALUES (1, ?)').run(probe);
    } else if (!this.#opens('seal probe', row.sealed as Uint8Array))
      throw new Problem(
        'root-key.unopened',
        `${storeKey}: it does not open ${database.file}, which was made with another key`,
      );
  }

  #opens(name: string, sealed: Uint8Array): boolean {
    try {
      this.#sealer.open(name, sealed)[Symbol.dispose]();
      return true;
    } catch {
      return false;
    }
  }

  #sql(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      statement = this.#database.prepare(text);
      if (this.#prepared.size < 256) this.#prepared.set(text, statement);
    }
    return statement;
  }
}

const openFile = (path: string): DatabaseSync => namingFile(path, () => openMigrated(path));

function openMigrated(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5000 });
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;',
  );
  database.exec('BEGIN IMMEDIATE');
  const { user_version } = database.prepare('PRAGMA user_version').get() as { user_version: number };
  if (user_version > migrations.length) {
    database.close();
    throw new Problem('config.invalid', `${path}: written by a newer version (schema ${user_version})`);
  }
  for (const script of migrations.slice(user_version)) database.exec(script);
  database.exec(`PRAGMA user_version = ${migrations.length}; COMMIT;`);
  return database;
}

const sealName = ({ id, type }: ManagedObject) => `${id}/${type}`;

const encoded = (attribute: FreeAttribute) => encodeItem(Attribute, { ...attribute, index: undefined });

const seconds = (date: Date) => Math.floor(date.getTime() / 1000);
const date = (value: SQLOutputValue | undefined) => (typeof value === 'number' ? new Date(value * 1000) : undefined);
const optionalSeconds = (value: Date | undefined) => (value === undefined ? null : seconds(value));

const clientOf = (row: Row): KmsClient => ({
  name: String(row.name),
  scope: String(row.scope),
  roles: JSON.parse(String(row.roles)),
  users: JSON.parse(String(row.users)),
  added: date(row.added)!,
});

const certificateOf = (row: Row): ClientCertificate => ({
  fingerprint: String(row.fingerprint),
  pem: String(row.pem),
  added: date(row.added)!,
});

const rowOf = (object: ManagedObject): Record<string, string | number | null> => ({
  id: object.id,
  owner: object.owner,
  type: object.type,
  state: object.state,
  algorithm: object.algorithm,
  length: object.length,
  usage: object.usage,
  initial: seconds(object.initial),
  activation: optionalSeconds(object.activation),
  deactivation: optionalSeconds(object.deactivation),
  destroyed: optionalSeconds(object.destroyed),
  compromised: optionalSeconds(object.compromised),
  compromise_occurred: optionalSeconds(object.compromiseOccurred),
  revocation_code: object.revocation?.code ?? null,
  revocation_message: object.revocation?.message ?? null,
  changed: seconds(object.changed),
});

function objectOf(row: Row): ManagedObject {
  const revocation =
    row.revocation_code === null
      ? undefined
      : { code: row.revocation_code, message: row.revocation_message ?? undefined };
  return {
    id: String(row.id),
    owner: String(row.owner),
    type: row.type,
    state: row.state,
    algorithm: row.algorithm,
    length: Number(row.length),
    usage: Number(row.usage),
    initial: date(row.initial)!,
    activation: date(row.activation),
    deactivation: date(row.deactivation),
    destroyed: date(row.destroyed),
    compromised: date(row.compromised),
    compromiseOccurred: date(row.compromise_occurred),
    revocation,
    changed: date(row.changed)!,
  } as ManagedObject;
}
