import type { Secret } from '@vouchsafe/bytes/secret';
import { customAttribute } from '@vouchsafe/kmip/attribute';
import { RequestMessage } from '@vouchsafe/kmip/message';
import { activate } from '@vouchsafe/kmip/operations/activate';
import { addAttribute } from '@vouchsafe/kmip/operations/add-attribute';
import { create } from '@vouchsafe/kmip/operations/create';
import { discoverVersions } from '@vouchsafe/kmip/operations/discover-versions';
import { get } from '@vouchsafe/kmip/operations/get';
import { getAttributes } from '@vouchsafe/kmip/operations/get-attributes';
import type { Operation, OperationName } from '@vouchsafe/kmip/operations/operation';
import { query } from '@vouchsafe/kmip/operations/query';
import { UsernameAndPassword } from '@vouchsafe/kmip/server/credential';
import { encodeItem } from '@vouchsafe/kmip/ttlv/item';
import { bound, type Lazy } from '@vouchsafe/kmip/ttlv/lazy';

/** A user name and its password, for key servers that want them besides the certificate. */
export interface Login {
  readonly username: string;
  readonly password: Secret;
}

/** One operation as a batch item. */
export interface Item {
  readonly operation: OperationName;
  readonly payload: Lazy;
}

export const item = <Request>(operation: Operation<Request, unknown>, request: Request): Item => ({
  operation: operation.name,
  payload: bound(operation.request, request),
});

/**
 * The Unique Batch Item ID that vCenter gives the nth item of every message: it counts from 1 anew in each, so that ids
 * repeat from message to message.
 */
export const itemId = (n: number): Uint8Array =>
  Uint8Array.of(0x51, 0x4c, 0x4b, 0x43, n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, 0);

/** A message as vCenter writes it: version 1.1, and nothing else in the header but a credential and the Batch Count. */
export function vcenterMessage(
  items: readonly Item[],
  { login, numbered = true }: { readonly login?: Login | undefined; readonly numbered?: boolean } = {},
): Buffer<ArrayBuffer> {
  const value = login && bound(UsernameAndPassword, login);
  return encodeItem(RequestMessage, {
    header: {
      version: { major: 1, minor: 1 },
      attestationTypes: [],
      ...(value && { authentication: { credentials: [{ type: 'Username and Password', value }] } }),
      batchCount: items.length,
    },
    items: items.map((each, i) => (numbered ? { ...each, id: itemId(i + 1) } : each)),
  });
}

/** What vCenter asks for, one row an act, in the order in which it does. */
export const vcenterItems = {
  versions: () => item(discoverVersions, { versions: [] }),
  information: () => item(query, { functions: ['Query Server Information'] }),
  create: () =>
    item(create, {
      objectType: 'Symmetric Key',
      template: {
        names: [],
        attributes: [
          { name: 'Cryptographic Algorithm', value: 'AES' },
          { name: 'Cryptographic Usage Mask', value: 12 },
          { name: 'Cryptographic Length', value: 256 },
        ],
      },
    }),
  label: (id: string) => item(getAttributes, { id, names: ['x-Product_Version'] }),
  fetch: (id: string) => item(get, { id }),
  state: (id: string) => item(getAttributes, { id, names: ['State'] }),
  activate: (id: string) => item(activate, { id }),
} as const;

/** The labels of a new key: three items of one message. */
export const vcenterLabels = (id: string): Item[] =>
  Object.entries({
    'x-Product_Version': '7.0.3 build-19480866',
    'x-Vendor': 'VMware, Inc.',
    'x-Product': 'VMware vSphere',
  }).map(([name, value]) => item(addAttribute, { id, attribute: customAttribute(name as `x-${string}`, value) }));
