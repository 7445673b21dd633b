import type { TtlvLimits } from '@vouchsafe/kmip/limits';
import type { Engine, Handlers } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { KmsAudit } from './audit.ts';
import type { KmsClient } from './client.ts';
import { activate } from './operations/activate.ts';
import { addAttribute } from './operations/add-attribute.ts';
import { adjustAttribute } from './operations/adjust-attribute.ts';
import { check } from './operations/check.ts';
import { create } from './operations/create.ts';
import { createKeyPair } from './operations/create-key-pair.ts';
import { decrypt } from './operations/decrypt.ts';
import { deleteAttribute } from './operations/delete-attribute.ts';
import { deriveKey } from './operations/derive-key.ts';
import { destroy } from './operations/destroy.ts';
import { discoverVersions } from './operations/discover-versions.ts';
import { encrypt } from './operations/encrypt.ts';
import { exportObject } from './operations/export.ts';
import { get } from './operations/get.ts';
import { getAttributeList } from './operations/get-attribute-list.ts';
import { getAttributes } from './operations/get-attributes.ts';
import { getUsageAllocation } from './operations/get-usage-allocation.ts';
import { hash } from './operations/hash.ts';
import { locate } from './operations/locate.ts';
import { mac } from './operations/mac.ts';
import { macVerify } from './operations/mac-verify.ts';
import { modifyAttribute } from './operations/modify-attribute.ts';
import { obtainLease } from './operations/obtain-lease.ts';
import { query } from './operations/query.ts';
import { reKey } from './operations/re-key.ts';
import { reKeyKeyPair } from './operations/re-key-key-pair.ts';
import { register } from './operations/register.ts';
import { revoke } from './operations/revoke.ts';
import { rngRetrieve } from './operations/rng-retrieve.ts';
import { rngSeed } from './operations/rng-seed.ts';
import { setAttribute } from './operations/set-attribute.ts';
import { sign } from './operations/sign.ts';
import { signatureVerify } from './operations/signature-verify.ts';
import { permits } from './roles.ts';
import { inSession, type Session } from './session.ts';
import type { KeyStore } from './store.ts';
import type { TokenKeys } from './token-keys.ts';
import { Turns } from './turns.ts';

const handlers: Handlers<KmsClient, Session> = {
  Create: create,
  'Create Key Pair': createKeyPair,
  Register: register,
  'Re-key': reKey,
  'Re-key Key Pair': reKeyKeyPair,
  'Derive Key': deriveKey,
  Locate: locate,
  Check: check,
  Get: get,
  Export: exportObject,
  'Get Attributes': getAttributes,
  'Get Attribute List': getAttributeList,
  'Add Attribute': addAttribute,
  'Modify Attribute': modifyAttribute,
  'Delete Attribute': deleteAttribute,
  'Set Attribute': setAttribute,
  'Adjust Attribute': adjustAttribute,
  'Obtain Lease': obtainLease,
  'Get Usage Allocation': getUsageAllocation,
  Activate: activate,
  Revoke: revoke,
  Destroy: destroy,
  Query: query(() => Object.keys(handlers)),
  'Discover Versions': discoverVersions,
  Encrypt: encrypt,
  Decrypt: decrypt,
  Sign: sign,
  'Signature Verify': signatureVerify,
  MAC: mac,
  'MAC Verify': macVerify,
  Hash: hash,
  'RNG Retrieve': rngRetrieve,
  'RNG Seed': rngSeed,
};

/**
 * Operations that always write, and are done with that soon. All others are tried without a transaction first: most of
 * them never write, and a key pair takes long to make.
 */
const writing = new Set<string>([
  'Create',
  'Register',
  'Re-key',
  'Add Attribute',
  'Modify Attribute',
  'Delete Attribute',
  'Set Attribute',
  'Adjust Attribute',
  'Get Usage Allocation',
  'Activate',
  'Revoke',
  'Destroy',
] satisfies (keyof typeof handlers)[]);

/** These wait for the token, which must not happen while others wait for their turn to write. */
const making = new Set<string>(['Create', 'Re-key'] satisfies (keyof typeof handlers)[]);

/** Of the four threads of Node: the others write the records of what clients do. */
const slowAtOnce = 2;

/** The key server on its store: every message is one transaction, and nothing stays of an operation that fails. */
export function kmsEngine(
  store: KeyStore,
  audit: KmsAudit,
  options: {
    now(): Date;
    report?(error: unknown): void;
    tokenKeys?: TokenKeys | undefined;
    limits?: TtlvLimits;
  },
): Engine<KmsClient, Session> {
  const { tokenKeys, report } = options;
  const turns = new Turns(slowAtOnce);
  return {
    handlers,
    now: options.now,
    mayBe: ({ users }, username) => users.length === 0 || users.includes(username),
    message: ({ operations }, work) => {
      const slow = (name: string) => tokenKeys !== undefined && making.has(name);
      const looksReading = operations.some(slow) || !operations.some((name) => writing.has(name));
      return inSession(store, audit, { looksReading, tokenKeys, turns, report }, work);
    },
    perform: (operation, { client, tx }, act) =>
      tx.recorded(operation, client, async () => {
        if (Object.hasOwn(handlers, operation) && !permits(client.roles, operation))
          throw new OperationError('Permission Denied', `${operation}: not in the roles of ${client.name}`);
        return await tx.savepoint(act);
      }),
    ...(options.report === undefined ? {} : { report: options.report }),
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  };
}
