import { existsSync } from 'node:fs';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type pg from 'pg';
import Type from 'typebox';
import { addressOf } from '../config/address.ts';
import { parseToml, readConfigText as read } from '../config/toml.ts';
import { LimitsConfig } from './limits.ts';

const closed = { additionalProperties: false } as const;
const Path = Type.String({ pattern: '^/', maxLength: 4096 });
const Name = Type.String({ minLength: 1, maxLength: 255 });

/** A database of PostgreSQL that keeps the keys, instead of a file of SQLite. */
const PostgresConfig = Type.Object(
  {
    /** Name or address of the server, or the folder of its Unix socket. */
    host: Name,
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 5432 }),
    database: Name,
    user: Name,
    /** Holds the password and nothing else. */
    password_file: Type.Optional(Path),
    /** Certificates of the authorities that may have issued the server's certificate; else those of the system. */
    ca_file: Type.Optional(Path),
    /** Certificate and key by which the key server shows itself to the database. */
    certificate_file: Type.Optional(Path),
    key_file: Type.Optional(Path),
  },
  closed,
);
type PostgresConfig = Type.Static<typeof PostgresConfig>;

/** A PKCS#11 token that makes keys of clients and never gives them away. */
const TokenConfig = Type.Object(
  {
    /** The shared library of the token's vendor. */
    module: Path,
    /** Label of the token. */
    label: Type.String({ minLength: 1, maxLength: 32 }),
    /** Serial number, where several tokens have this label. */
    serial: Type.Optional(Type.String({ minLength: 1, maxLength: 16 })),
    /** Holds the PIN and nothing else. */
    pin_file: Path,
    /** Which keys that clients have made here: those with Extractable = false, or all. */
    keys: Type.Union([Type.Literal('unextractable'), Type.Literal('all')]),
  },
  closed,
);
export type TokenConfig = Type.Static<typeof TokenConfig>;

/** `kms.toml` in the data folder of a key server. Without it, everything is as by default. */
export const KmsConfig = Type.Object(
  {
    /** Where to listen, `IP:PORT` or `[IPv6]:PORT`. */
    listen: Type.Optional(Type.String({ maxLength: 128 })),
    /** Further names and addresses for the certificate of the server. */
    names: Type.Optional(Type.Array(Type.String({ pattern: '^[A-Za-z0-9.:-]{1,253}$' }), { maxItems: 32 })),
    /** Also serves clients that know RSA key exchange and CBC alone. */
    legacy_tls: Type.Optional(Type.Boolean()),
    limits: Type.Optional(LimitsConfig),
    postgres: Type.Optional(PostgresConfig),
    token: Type.Optional(TokenConfig),
    /**
     * When the record of a reading operation is on the disk: within 50 ms (`batched`), or before its answer (`strict`).
     * Changes are always recorded before their answer.
     */
    audit_reads: Type.Union([Type.Literal('batched'), Type.Literal('strict')], { default: 'batched' }),
  },
  closed,
);
export type KmsConfig = Type.Static<typeof KmsConfig>;

const check = validator('configuration', KmsConfig);

/** @throws {Problem} `config.invalid` naming the key, `file.unreadable` */
export function readKmsConfig(path: string): KmsConfig {
  return existsSync(path) ? parseKmsConfig(read(path), path) : { audit_reads: 'batched' };
}

/** As `readKmsConfig`, of text. */
export function parseKmsConfig(text: string, path = 'kms.toml'): KmsConfig {
  const { postgres, ...given } = parseToml(text, path);
  try {
    const withPort = postgres === undefined ? {} : { postgres: { port: 5432, ...(postgres as object) } };
    const config = check({ audit_reads: 'batched', ...given, ...withPort });
    if (config.listen !== undefined) addressOf(config.listen);
    return config;
  } catch (cause) {
    throw new Problem('config.invalid', `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** What `pg` is to connect with. Files are read for every connection: they may be changed while the server runs. */
export function connectionOf(config: PostgresConfig): pg.ConnectionConfig {
  const { host, port, database, user, password_file: password } = config;
  return {
    host,
    port,
    database,
    user,
    ...(password === undefined ? {} : { password: () => read(password).replace(/\r?\n$/, '') }),
    ...(isLocal(config) ? {} : { ssl: tlsOf(config) }),
  };
}

/** Over a Unix socket or within the host nobody listens; anywhere else the server has to show a certificate. */
const isLocal = ({ host, ca_file: ca }: PostgresConfig): boolean =>
  host.startsWith('/') || (ca === undefined && ['localhost', '127.0.0.1', '::1'].includes(host));

function tlsOf({ host, ca_file, certificate_file, key_file }: PostgresConfig) {
  return {
    servername: host,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2' as const,
    ...(ca_file === undefined ? {} : { ca: read(ca_file) }),
    ...(certificate_file === undefined ? {} : { cert: read(certificate_file) }),
    ...(key_file === undefined ? {} : { key: read(key_file) }),
  };
}
