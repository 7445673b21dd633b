/** Numbered, forward-only migrations of a ConfigStore; the number of the last one stands in `user_version`. */
export const migrations: readonly string[] = [
  `CREATE TABLE document (
     collection TEXT NOT NULL,
     name TEXT NOT NULL,
     body TEXT NOT NULL,
     updated TEXT NOT NULL,
     PRIMARY KEY (collection, name)
   ) STRICT;
   CREATE TABLE state (
     collection TEXT NOT NULL,
     name TEXT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (collection, name)
   ) STRICT;
   CREATE TABLE secret (
     name TEXT PRIMARY KEY,
     sealed BLOB NOT NULL
   ) STRICT;
   CREATE TABLE generation (
     only INTEGER PRIMARY KEY CHECK (only = 1),
     number INTEGER NOT NULL,
     updated TEXT NOT NULL
   ) STRICT;
   INSERT INTO generation VALUES (1, 0, '1970-01-01T00:00:00.000Z');`,
];
