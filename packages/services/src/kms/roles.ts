import type { OperationName } from '@vouchsafe/kmip/operations/operation';

/** What operations do to a scope, whoever asks. An operation that stands in no row is nobody's. */
export const permissions = {
  /** Nothing of any object. */
  discover: ['Discover Versions', 'Query'],
  /** Whether objects are there and what is said of them; never what they hold. */
  inspect: ['Locate', 'Get Attributes', 'Get Attribute List', 'Check', 'Validate'],
  /** What objects hold. */
  fetch: ['Get', 'Export'],
  /** What keys are for, without seeing them. */
  use: [
    'Encrypt',
    'Decrypt',
    'Sign',
    'Signature Verify',
    'MAC',
    'MAC Verify',
    'Hash',
    'RNG Retrieve',
    'RNG Seed',
    'Obtain Lease',
    'Get Usage Allocation',
  ],
  make: [
    'Create',
    'Create Key Pair',
    'Register',
    'Import',
    'Re-key',
    'Re-key Key Pair',
    'Derive Key',
    'Certify',
    'Re-certify',
    'Create Split Key',
    'Join Split Key',
  ],
  label: ['Add Attribute', 'Modify Attribute', 'Delete Attribute', 'Set Attribute', 'Adjust Attribute'],
  /** What decides whether an object can still be used, and whether it is there at all. */
  govern: ['Activate', 'Revoke', 'Destroy', 'Archive', 'Recover'],
  /** Requests that go on after their answer. */
  follow: ['Cancel', 'Poll'],
} as const satisfies Record<string, readonly OperationName[]>;

/** A row of `permissions`. */
export type Permission = keyof typeof permissions;

/** What a client may be, and what that lets it do in its scope. */
export const roles = {
  user: {
    may: ['discover', 'inspect', 'fetch', 'use', 'make', 'label', 'govern', 'follow'],
    summary: 'makes, fetches, uses, labels and ends keys: vCenter, backup programs, standard providers',
  },
  reader: {
    may: ['discover', 'inspect', 'fetch', 'use'],
    summary: 'fetches and uses the keys that others made: trusted providers, which read their primary keys',
  },
  operator: {
    may: ['discover', 'inspect', 'govern'],
    summary: 'activates, revokes and destroys keys, and never sees one',
  },
  auditor: {
    may: ['discover', 'inspect'],
    summary: 'sees which keys there are and in which state, and never one of them',
  },
} as const satisfies Record<string, { readonly may: readonly Permission[]; readonly summary: string }>;

/** What a client may be. A client may be several. */
export type Role = keyof typeof roles;

export const isRole = (name: string): name is Role => Object.hasOwn(roles, name);

const allowed = new Map(
  Object.entries(roles).map(([role, { may }]) => [
    role as Role,
    new Set<string>(may.flatMap((permission): readonly string[] => permissions[permission])),
  ]),
);

/** Whether one of these roles lets its holder ask for this operation at all. */
export const permits = (held: readonly Role[], operation: string): boolean =>
  held.some((role) => allowed.get(role)?.has(operation) === true);
