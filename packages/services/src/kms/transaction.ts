import { setImmediate as others } from 'node:timers/promises';
import type { Secret } from '@vouchsafe/bytes/secret';
import type { ClientCertificate, KmsClient, RegisteredClient } from './client.ts';
import type { ContentSealer } from './content-sealer.ts';
import { decodeDocument, encodeDocument, lookupKey, lookupKeys } from './document.ts';
import { dateAttributes, type ManagedObject } from './managed-object.ts';
import type { Sql, SqlRow, SqlValue } from './sql.ts';
import type { KeyTransaction, Query } from './store.ts';

/** Objects that `find` reads at a time. */
const page = 64;

/** Columns of the dates. */
const dateColumns = Object.values(dateAttributes).map((field) => ({
  field,
  column: field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
}));

const fields = ['id', 'scope', 'owner', 'type', 'state', ...dateColumns.map(({ column }) => column), 'attributes'];
const selected = ['seq', ...fields].map((column) => `o.${column}`).join(', ');

/** A transaction in SQL that SQLite and PostgreSQL understand alike. */
export class SqlTransaction implements KeyTransaction {
  readonly #sql: Sql;
  readonly #sealer: ContentSealer;

  constructor(sql: Sql, sealer: ContentSealer) {
    this.#sql = sql;
    this.#sealer = sealer;
  }

  async object(scope: string, id: string): Promise<ManagedObject | undefined> {
    const [row] = await this.#sql.all(`SELECT ${selected} FROM object o WHERE o.id = ? AND o.scope = ?`, [id, scope]);
    return row && objectOf(row);
  }

  async insert(object: ManagedObject, content: Secret | undefined): Promise<void> {
    const sealed = content === undefined ? null : this.#sealer.seal(object, content);
    const values = [...rowOf(object), sealed];
    const [row] = await this.#sql.all(
      `INSERT INTO object (${fields.join(', ')}, content) VALUES (${values.map(() => '?').join(', ')}) RETURNING seq`,
      values,
    );
    await this.#addLookups(row!.seq!, lookupKeys(object.scope, object.attributes));
  }

  async update(object: ManagedObject): Promise<void> {
    const [row] = await this.#sql.all('SELECT seq, attributes FROM object WHERE id = ?', [object.id]);
    if (row === undefined) throw new TypeError(`${object.id}: there is no such object to update`);
    const columns = fields.map((column) => `${column} = ?`).join(', ');
    await this.#sql.run(`UPDATE object SET ${columns} WHERE seq = ?`, [...rowOf(object), row.seq!]);
    const before = lookupKeys(object.scope, decodeDocument(row.attributes as Uint8Array));
    const after = lookupKeys(object.scope, object.attributes);
    for (const key of without(before, after))
      await this.#sql.run('DELETE FROM lookup WHERE key = ? AND seq = ?', [key, row.seq!]);
    await this.#addLookups(row.seq!, without(after, before));
  }

  async #addLookups(seq: SqlValue, keys: readonly Uint8Array[]): Promise<void> {
    for (const key of keys) await this.#sql.run('INSERT INTO lookup (key, seq) VALUES (?, ?)', [key, seq]);
  }

  async content(object: ManagedObject): Promise<Secret | undefined> {
    const [row] = await this.#sql.all('SELECT content FROM object WHERE id = ?', [object.id]);
    return row?.content instanceof Uint8Array ? this.#sealer.open(object, row.content) : undefined;
  }

  async eraseContent(object: ManagedObject): Promise<void> {
    await this.#sql.run('UPDATE object SET content = NULL WHERE id = ?', [object.id]);
  }

  async *find({ scope, attributes }: Query): AsyncGenerator<ManagedObject> {
    const keys = await this.#rarestFirst(attributes.map((each) => lookupKey(scope, each)));
    for (let below = Number.MAX_SAFE_INTEGER; ; ) {
      const rows = await this.#sql.all(...findBelow(scope, keys, below));
      for (const row of rows) yield objectOf(row);
      if (rows.length < page) return;
      below = Number(rows.at(-1)!.seq);
      // A search through a million objects must not keep everybody else waiting.
      await others();
    }
  }

  /** So that a search for what many have and what few have looks at the few. */
  async #rarestFirst(keys: readonly Uint8Array[]): Promise<Uint8Array[]> {
    if (keys.length < 2) return [...keys];
    const counted: { key: Uint8Array; count: number }[] = [];
    for (const key of keys) {
      const sql = 'SELECT count(*) AS count FROM (SELECT 1 FROM lookup WHERE key = ? LIMIT 1000) few';
      const [row] = await this.#sql.all(sql, [key]);
      counted.push({ key, count: Number(row!.count) });
    }
    return counted.toSorted((a, b) => a.count - b.count).map(({ key }) => key);
  }

  async client(fingerprint: string): Promise<KmsClient | undefined> {
    const [row] = await this.#sql.all(
      'SELECT client.* FROM client_certificate c JOIN client ON client.name = c.client WHERE c.fingerprint = ?',
      [fingerprint],
    );
    return row && clientOf(row);
  }

  async clients(): Promise<RegisteredClient[]> {
    const rows = await this.#sql.all('SELECT * FROM client_certificate ORDER BY added, fingerprint', []);
    const certificates = Map.groupBy(rows, (row) => row.client);
    return (await this.#sql.all('SELECT * FROM client ORDER BY name', [])).map((row) => ({
      ...clientOf(row),
      certificates: (certificates.get(row.name!) ?? []).map(certificateOf),
    }));
  }

  async addClient({ name, scope, roles, users, added }: KmsClient): Promise<void> {
    const values = [name, scope, JSON.stringify(roles), JSON.stringify(users), seconds(added)];
    await this.#sql.run('INSERT INTO client (name, scope, roles, users, added) VALUES (?, ?, ?, ?, ?)', values);
  }

  async removeClient(name: string): Promise<boolean> {
    return (await this.#sql.run('DELETE FROM client WHERE name = ?', [name])) > 0;
  }

  async addCertificate(client: string, { fingerprint, pem, added }: ClientCertificate): Promise<void> {
    const values = [fingerprint, client, pem, seconds(added)];
    await this.#sql.run('INSERT INTO client_certificate (fingerprint, client, pem, added) VALUES (?, ?, ?, ?)', values);
  }

  async removeCertificate(fingerprint: string): Promise<boolean> {
    return (await this.#sql.run('DELETE FROM client_certificate WHERE fingerprint = ?', [fingerprint])) > 0;
  }

  async isScope(scope: string): Promise<boolean> {
    const [row] = await this.#sql.all(
      'SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM client WHERE scope = ?) OR EXISTS (SELECT 1 FROM object WHERE scope = ?)',
      [scope, scope],
    );
    return row !== undefined;
  }

  savepoint<T>(work: () => Promise<T>): Promise<T> {
    return this.#sql.savepoint(work);
  }
}

/** The next page of a search, in the order of the index that the search goes along. */
function findBelow(scope: string, keys: readonly Uint8Array[], below: number): [string, SqlValue[]] {
  const [first, ...others] = keys;
  if (first === undefined)
    return [
      `SELECT ${selected} FROM object o WHERE o.scope = ? AND o.seq < ? ORDER BY o.seq DESC LIMIT ${page}`,
      [scope, below],
    ];
  const having = others.map(() => ' AND EXISTS (SELECT 1 FROM lookup m WHERE m.key = ? AND m.seq = l.seq)').join('');
  return [
    `SELECT ${selected} FROM lookup l CROSS JOIN object o
     WHERE l.key = ? AND l.seq < ? AND o.seq = l.seq${having} ORDER BY l.seq DESC LIMIT ${page}`,
    [first, below, ...others],
  ];
}

const without = (some: readonly Uint8Array[], others: readonly Uint8Array[]) =>
  some.filter((each) => !others.some((other) => Buffer.compare(each, other) === 0));

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);
const optionalSeconds = (date: Date | undefined) => (date === undefined ? null : seconds(date));
const dateOf = (value: SqlValue | undefined): Date | undefined =>
  value === null || value === undefined ? undefined : new Date(Number(value) * 1000);

const clientOf = (row: SqlRow): KmsClient => ({
  name: String(row.name),
  scope: String(row.scope),
  roles: JSON.parse(String(row.roles)),
  users: JSON.parse(String(row.users)),
  added: dateOf(row.added)!,
});

const certificateOf = (row: SqlRow): ClientCertificate => ({
  fingerprint: String(row.fingerprint),
  pem: String(row.pem),
  added: dateOf(row.added)!,
});

/** The values of `fields`. */
function rowOf(object: ManagedObject): SqlValue[] {
  const dates = dateColumns.map(({ field }) => optionalSeconds(object[field]));
  const { id, scope, owner, type, state } = object;
  return [id, scope, owner, type, state, ...dates, encodeDocument(object.attributes)];
}

function objectOf(row: SqlRow): ManagedObject {
  const dates = dateColumns.map(({ field, column }) => [field, dateOf(row[column])]);
  return {
    id: row.id,
    scope: row.scope,
    owner: row.owner,
    type: row.type,
    state: row.state,
    ...Object.fromEntries(dates.filter(([, date]) => date !== undefined)),
    attributes: decodeDocument(row.attributes as Uint8Array),
  } as ManagedObject;
}
