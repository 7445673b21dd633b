import type { Engine, Handlers, Outcome } from '@vouchsafe/kmip/server/engine';
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
import type { KeyStore, KeyTransaction } from './store.ts';

const handlers: Handlers<KmsClient, KeyTransaction> = {
  Create: create,
  Locate: locate,
  Get: get,
  'Get Attributes': getAttributes,
  'Get Attribute List': getAttributeList,
  'Add Attribute': addAttribute,
  Activate: activate,
  Revoke: revoke,
  Destroy: destroy,
  Query: query(() => Object.keys(handlers)),
  'Discover Versions': discoverVersions,
};

/** Operations that never write. A message of nothing else waits for no other. */
const reading = new Set<string>([
  'Locate',
  'Get',
  'Get Attributes',
  'Get Attribute List',
  'Query',
  'Discover Versions',
] satisfies (keyof typeof handlers)[]);

/** The key server on its store: every message is one transaction, and nothing stays of an operation that fails. */
export function kmsEngine(
  store: KeyStore,
  options: { now(): Date; report?(error: unknown): void },
): Engine<KmsClient, KeyTransaction> {
  return {
    handlers,
    now: options.now,
    async message({ operations }, work) {
      if (operations.every((name) => reading.has(name))) return (await store.read(work)).value;
      return await kept(store, work);
    },
    async perform(operation, { client, tx }, act) {
      if (Object.hasOwn(handlers, operation) && !permits(client.roles, operation))
        throw new OperationError('Permission Denied', `${operation}: not in the roles of ${client.name}`);
      return await (reading.has(operation) ? act() : tx.savepoint(act));
    },
    ...(options.report === undefined ? {} : { report: options.report }),
  };
}

/** What a message did that is not to be kept. */
class Undone<T> extends Error {
  readonly value: T;

  constructor(value: T) {
    super('undone');
    this.value = value;
  }
}

async function kept<T>(store: KeyStore, work: (tx: KeyTransaction) => Promise<Outcome<T>>): Promise<T> {
  try {
    return await store.transaction(async (tx) => {
      const { value, keep } = await work(tx);
      if (!keep) throw new Undone(value);
      return value;
    });
  } catch (error) {
    if (error instanceof Undone) return error.value;
    throw error;
  }
}
