/** The schema, one step a version: a step is never changed once it was released. Dates are seconds since 1970. */
export const migrations: readonly string[] = [
  `
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
  `,
  // Objects of a client that was known by its only certificate stay in a scope that has the name of that certificate.
  `
  ALTER TABLE client RENAME TO former_client;
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
  INSERT INTO client SELECT name, fingerprint, '["user"]', '[]', added FROM former_client;
  INSERT INTO client_certificate SELECT fingerprint, name, certificate, added FROM former_client;
  DROP TABLE former_client;
  `,
];
