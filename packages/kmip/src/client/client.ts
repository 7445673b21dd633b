import { Cluster } from './cluster.ts';
import { health } from './health.ts';
import { Once } from './once.ts';
import { activate } from './operations/activate.ts';
import { addAttribute } from './operations/add-attribute.ts';
import { create } from './operations/create.ts';
import { createKeyPair } from './operations/create-key-pair.ts';
import { decrypt } from './operations/decrypt.ts';
import { deleteAttribute } from './operations/delete-attribute.ts';
import { destroy } from './operations/destroy.ts';
import { discoverVersions } from './operations/discover-versions.ts';
import { encrypt } from './operations/encrypt.ts';
import { get } from './operations/get.ts';
import { getAttributeList } from './operations/get-attribute-list.ts';
import { getAttributes } from './operations/get-attributes.ts';
import { getWrapped } from './operations/get-wrapped.ts';
import { locate } from './operations/locate.ts';
import { modifyAttribute } from './operations/modify-attribute.ts';
import { query } from './operations/query.ts';
import { reKey } from './operations/re-key.ts';
import { register } from './operations/register.ts';
import { revoke } from './operations/revoke.ts';
import { sign } from './operations/sign.ts';
import { state } from './operations/state.ts';
import type { KmipClientOptions } from './options.ts';

/** Key servers as their clients see them: the operations, and an end. */
export type KeyServer = ReturnType<typeof operationsOf> & Disposable & { close(): void };

const operationsOf = (cluster: Cluster, once: Once) => ({
  create: create(cluster, once),
  get: get(cluster),
  getWrapped: getWrapped(cluster),
  register: register(cluster, once),
  reKey: reKey(cluster, once),
  createKeyPair: createKeyPair(cluster),
  getAttributes: getAttributes(cluster),
  getAttributeList: getAttributeList(cluster),
  addAttribute: addAttribute(cluster),
  modifyAttribute: modifyAttribute(cluster),
  deleteAttribute: deleteAttribute(cluster),
  activate: activate(cluster),
  locate: locate(cluster),
  revoke: revoke(cluster),
  destroy: destroy(cluster),
  encrypt: encrypt(cluster),
  decrypt: decrypt(cluster),
  sign: sign(cluster),
  query: query(cluster),
  discoverVersions: discoverVersions(cluster),
  state: state(cluster),
  health: health(cluster),
  /** Looks now for what requests with lost answers left behind at servers that are back. Done by itself, too. */
  settle: () => once.settle(),
});

/**
 * A KMIP client over mutual TLS, for one key server or several that hold the same keys. Nothing is connected until the
 * first operation.
 *
 * Every operation throws a `KmipError`; what the server answers is checked against what was asked.
 * @throws {Error} when certificate, key or trust cannot be read
 */
export function kmipClient(options: KmipClientOptions): KeyServer {
  const cluster = new Cluster(options);
  const close = () => cluster.close();
  return { ...operationsOf(cluster, new Once(cluster)), close, [Symbol.dispose]: close };
}
