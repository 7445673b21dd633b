import { KmipError } from '../error.ts';
import { activate } from './operations/activate.ts';
import { addAttribute } from './operations/add-attribute.ts';
import { create } from './operations/create.ts';
import { destroy } from './operations/destroy.ts';
import { discoverVersions } from './operations/discover-versions.ts';
import { get } from './operations/get.ts';
import { getAttributeList } from './operations/get-attribute-list.ts';
import { getAttributes } from './operations/get-attributes.ts';
import { locate } from './operations/locate.ts';
import { query } from './operations/query.ts';
import { revoke } from './operations/revoke.ts';
import type { KmipClientOptions } from './options.ts';
import { Pool } from './pool.ts';
import { type Send, sender } from './send.ts';

/** A key server as its clients see it: the operations, and an end. */
export type KeyServer = ReturnType<typeof operationsBy> & Disposable & { close(): void };

const operationsBy = (send: Send) => ({
  create: create(send),
  get: get(send),
  getAttributes: getAttributes(send),
  getAttributeList: getAttributeList(send),
  addAttribute: addAttribute(send),
  activate: activate(send),
  locate: locate(send),
  revoke: revoke(send),
  destroy: destroy(send),
  query: query(send),
  discoverVersions: discoverVersions(send),
});

/**
 * A KMIP client (versions 1.1 to 1.4) over mutual TLS 1.2 or 1.3. Nothing is connected until the first operation.
 *
 * Every operation throws a `KmipError`; what the server answers is checked against what was asked.
 */
export function kmipClient(options: KmipClientOptions): KeyServer {
  const pools = options.servers.map((server) => new Pool(server, options));
  const asked = sender(pools, options);
  let closed = false;
  const send: Send = async (operation, request) => {
    if (closed) throw new KmipError('client.closed', 'the client was closed');
    return asked(operation, request);
  };
  const close = () => {
    closed = true;
    for (const pool of pools) pool.close();
  };
  return { ...operationsBy(send), close, [Symbol.dispose]: close };
}
