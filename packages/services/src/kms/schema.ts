import type { DatabaseSync } from 'node:sqlite';
import type { Sealer } from '@vouchsafe/store/seal';
import { convertObjects } from './convert.ts';

/** Who may talk to the server. Dates are seconds since 1970, here as everywhere. */
export const clients = `
  CREATE TABLE client (
    name TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    roles TEXT NOT NULL,
    users TEXT NOT NULL,
    added INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE client_certificate (
    fingerprint TEXT PRIMARY KEY,
    client TEXT NOT NULL REFERENCES client (name) ON DELETE CASCADE,
    pem TEXT NOT NULL,
    added INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX client_certificate_by_client ON client_certificate (client);
`;

/**
 * `seq` grows with every object: the newest are found first. `lookup` has a row for each indexed attribute; its key is
 * a digest of scope, name and value.
 */
export const objects = `
  CREATE TABLE object (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    scope TEXT NOT NULL,
    owner TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    initial INTEGER NOT NULL,
    activation INTEGER,
    process_start INTEGER,
    protect_stop INTEGER,
    deactivation INTEGER,
    destroyed INTEGER,
    compromise_occurred INTEGER,
    compromised INTEGER,
    archived INTEGER,
    changed INTEGER NOT NULL,
    attributes BLOB NOT NULL,
    content BLOB
  ) STRICT;
  CREATE INDEX object_by_scope ON object (scope, seq);
  CREATE TABLE lookup (
    key BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (key, seq)
  ) STRICT, WITHOUT ROWID;
`;

type Step = (database: DatabaseSync, sealer: Sealer) => void;

const script =
  (text: string): Step =>
  (database) =>
    database.exec(text);

/** The schema of SQLite, one step a version: a step is never changed once it was released. */
export const migrations: readonly Step[] = [
  script(`
  CREATE TABLE client (
    fingerprint TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    certificate TEXT NOT NULL,
    added INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE object (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    length INTEGER NOT NULL,
    usage INTEGER NOT NULL,
    material BLOB,
    initial INTEGER NOT NULL,
    activation INTEGER,
    deactivation INTEGER,
    destroyed INTEGER,
    compromised INTEGER,
    compromise_occurred INTEGER,
    revocation_code TEXT,
    revocation_message TEXT,
    changed INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX object_by_owner ON object (owner, initial);
  CREATE TABLE attribute (
    object TEXT NOT NULL REFERENCES object (id),
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (object, name, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX attribute_by_value ON attribute (name, value, object);
  CREATE TABLE seal_probe (one INTEGER PRIMARY KEY CHECK (one = 1), sealed BLOB NOT NULL) STRICT;
  `),
  // Objects of a client that was known by its only certificate stay in a scope that has the name of that certificate.
  script(`
  ALTER TABLE client RENAME TO former_client;
  ${clients}
  INSERT INTO client SELECT name, fingerprint, '["user"]', '[]', added FROM former_client;
  INSERT INTO client_certificate SELECT fingerprint, name, certificate, added FROM former_client;
  DROP TABLE former_client;
  `),
  (database, sealer) => convertObjects(database, objects, sealer),
];
