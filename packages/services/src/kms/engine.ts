import type { Engine, Handlers } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { KmsClient } from './client.ts';
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
import { permits } from './roles.ts';
import type { KmsStore } from './store.ts';

function handlers(store: KmsStore): Handlers<KmsClient> {
  const carriedOut: Handlers<KmsClient> = {
    Create: create(store),
    Locate: locate(store),
    Get: get(store),
    'Get Attributes': getAttributes(store),
    'Get Attribute List': getAttributeList(store),
    'Add Attribute': addAttribute(store),
    Activate: activate(store),
    Revoke: revoke(store),
    Destroy: destroy(store),
    Query: query(() => Object.keys(carriedOut)),
    'Discover Versions': discoverVersions(),
  };
  return carriedOut;
}

/** The key server on its store: every operation is one transaction, and nothing stays of one that fails. */
export function kmsEngine(store: KmsStore, options: { now(): Date; report?(error: unknown): void }): Engine<KmsClient> {
  const carriedOut = handlers(store);
  return {
    handlers: carriedOut,
    now: options.now,
    perform(operation, { client }, act) {
      if (Object.hasOwn(carriedOut, operation) && !permits(client.roles, operation))
        throw new OperationError('Permission Denied', `${operation}: not in the roles of ${client.name}`);
      return store.transaction(act);
    },
    ...(options.report === undefined ? {} : { report: options.report }),
  };
}
