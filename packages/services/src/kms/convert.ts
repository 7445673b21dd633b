import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { Secret } from '@vouchsafe/bytes/secret';
import { Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { SymmetricKey } from '@vouchsafe/kmip/managed-object';
import { decodeItem, encodeItem } from '@vouchsafe/kmip/ttlv/item';
import type { Sealer } from '@vouchsafe/store/seal';
import { ContentSealer } from './content-sealer.ts';
import { encodeDocument, lookupKeys } from './document.ts';

type Row = Record<string, SQLOutputValue>;

/**
 * Takes over what stood there when all objects were symmetric keys: a column for each attribute, and the bare key
 * sealed. The caller's transaction makes it all or nothing.
 *
 * @param schema the tables of today
 */
export function convertObjects(database: DatabaseSync, schema: string, sealer: Sealer): void {
  database.exec('ALTER TABLE object RENAME TO old_object; ALTER TABLE attribute RENAME TO old_attribute;');
  database.exec(schema);
  const rows = database.prepare('SELECT *, owner AS scope FROM old_object ORDER BY initial, id');
  for (const row of rows.iterate()) takeOver(database, row, sealer);
  database.exec('DROP TABLE old_attribute; DROP TABLE old_object;');
}

const columns =
  'id, scope, owner, type, state, initial, activation, deactivation, destroyed, compromise_occurred, compromised, changed';

function takeOver(database: DatabaseSync, row: Row, sealer: Sealer): void {
  const [id, scope] = [String(row.id), String(row.scope)];
  const attributes = attributesOf(database, row);
  const content = contentOf(row, attributes, sealer);
  const sealed = content === undefined ? null : new ContentSealer(sealer).seal({ id, scope }, content);
  content?.[Symbol.dispose]();
  const values = columns.split(', ').map((column) => row[column] ?? null);
  const { lastInsertRowid } = database
    .prepare(`INSERT INTO object (${columns}, attributes, content) VALUES (${values.map(() => '?').join(', ')}, ?, ?)`)
    .run(...values, encodeDocument(attributes), sealed);
  for (const key of lookupKeys(scope, attributes))
    database.prepare('INSERT INTO lookup (key, seq) VALUES (?, ?)').run(key, lastInsertRowid);
}

function attributesOf(database: DatabaseSync, row: Row): Attribute[] {
  const named = database.prepare('SELECT position, value FROM old_attribute WHERE object = ? ORDER BY name, position');
  const revocation = { code: row.revocation_code, message: row.revocation_message ?? undefined };
  return [
    { name: 'Cryptographic Algorithm', value: row.algorithm },
    { name: 'Cryptographic Length', value: row.length },
    { name: 'Cryptographic Usage Mask', value: row.usage },
    ...(row.revocation_code === null ? [] : [{ name: 'Revocation Reason', value: revocation }]),
    ...named.all(row.id!).map(({ position, value }) => ({
      ...decodeItem(Attribute, value as Uint8Array),
      index: position === 0 ? undefined : Number(position),
    })),
  ] as Attribute[];
}

function contentOf(row: Row, attributes: readonly Attribute[], sealer: Sealer): Secret | undefined {
  if (!(row.material instanceof Uint8Array)) return undefined;
  using material = sealer.open(`${row.id}/${row.type}`, row.material);
  const algorithm = attributeValue(attributes, 'Cryptographic Algorithm')!;
  const length = attributeValue(attributes, 'Cryptographic Length')!;
  return Secret.take(
    encodeItem(SymmetricKey, { block: { format: 'Raw', value: { material, attributes: [] }, algorithm, length } }),
  );
}
