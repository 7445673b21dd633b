import type { Secret } from '@vouchsafe/bytes/secret';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import type { ClientCertificate, KmsClient, RegisteredClient } from './client.ts';
import type { ManagedObject } from './managed-object.ts';

/** What objects must be like to be found. */
export interface Query {
  readonly scope: string;
  /** Indexed attributes (`isIndexed`) that must all stand there with exactly this value, whatever their index. */
  readonly attributes: readonly Attribute[];
}

/**
 * The store as one message sees it: nobody else's unfinished work, and all of its own. Objects of another scope are not
 * there at all.
 */
export interface KeyTransaction {
  object(scope: string, id: string): Promise<ManagedObject | undefined>;
  /** A new object; without content when it was destroyed already. */
  insert(object: ManagedObject, content: Secret | undefined): Promise<void>;
  /** Writes everything but the content. */
  update(object: ManagedObject): Promise<void>;
  /** The KMIP object, encoded; nothing when it was erased. @throws {Problem} `file.unreadable` when it does not open */
  content(object: ManagedObject): Promise<Secret | undefined>;
  eraseContent(object: ManagedObject): Promise<void>;
  /** Objects with all these attributes, newest first; as many as are taken. */
  find(query: Query): AsyncIterable<ManagedObject>;

  /** The client that a certificate belongs to. */
  client(fingerprint: string): Promise<KmsClient | undefined>;
  clients(): Promise<RegisteredClient[]>;
  addClient(client: KmsClient): Promise<void>;
  /** Says whether there was such a client. */
  removeClient(name: string): Promise<boolean>;
  addCertificate(client: string, certificate: ClientCertificate): Promise<void>;
  removeCertificate(fingerprint: string): Promise<boolean>;
  /** Whether anybody or anything is in a scope. */
  isScope(scope: string): Promise<boolean>;

  /** Runs `work`; when it rejects, nothing that it wrote stays, while what was written before does. */
  savepoint<T>(work: () => Promise<T>): Promise<T>;
}

/** Where a key server keeps objects and clients. */
export interface KeyStore extends AsyncDisposable {
  /** Runs `work` on what is durable now. It must not write. */
  read<T>(work: (tx: KeyTransaction) => Promise<T>): Promise<T>;
  /**
   * Runs `work` as one transaction, alone as far as it can tell. What it wrote is durable when this resolves, and gone
   * when it rejects. `work` may be called again from its start, after another transaction came in between; `before` is
   * awaited when only the commit is left to do, and prevents it by rejecting.
   */
  transaction<T>(work: (tx: KeyTransaction) => Promise<T>, before?: (value: T) => Promise<void>): Promise<T>;
}

/** Attributes that tell objects apart; `VENDOR:NAME` and those of clients and servers do, too. */
const named = new Set<string>(['Name', 'Object Group', 'Contact Information']);

/** Whether objects are found by this attribute through an index. */
export const isIndexed = (name: string): boolean => named.has(name) || /^[xy]-|:/.test(name);
