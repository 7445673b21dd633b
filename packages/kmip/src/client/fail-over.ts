import type { KmipError } from '../error.ts';
import type { OperationName } from '../operations/operation.ts';

/**
 * Whether an operation may be sent again after its answer was lost.
 *
 * - `repeat`: doing it twice does no more than doing it once.
 * - `confirm`: as `repeat`; but when the first one was carried out, the second is refused, so that a refusal after a lost
 *   answer is looked into: what was asked for may be the case already.
 * - `look`: only after a look at the object shows that it was not carried out: done twice, it does more.
 * - `once`: never. It makes something new each time; what it made is found by a marker (`once.ts`).
 */
export type Repetition = 'repeat' | 'confirm' | 'look' | 'once';

/** What is not listed is sent once. */
export const repetition: { readonly [N in OperationName]?: Repetition } = {
  'Discover Versions': 'repeat',
  Query: 'repeat',
  Locate: 'repeat',
  Check: 'repeat',
  Get: 'repeat',
  'Get Attributes': 'repeat',
  'Get Attribute List': 'repeat',
  Encrypt: 'repeat',
  Decrypt: 'repeat',
  Sign: 'repeat',
  'Signature Verify': 'repeat',
  MAC: 'repeat',
  'MAC Verify': 'repeat',
  'RNG Retrieve': 'repeat',
  Hash: 'repeat',
  'Modify Attribute': 'repeat',
  'Set Attribute': 'repeat',
  'Add Attribute': 'look',
  'Delete Attribute': 'look',
  Activate: 'confirm',
  Revoke: 'confirm',
  Destroy: 'confirm',
  Create: 'once',
  'Create Key Pair': 'once',
  Register: 'once',
  'Re-key': 'once',
  'Re-key Key Pair': 'once',
  'Derive Key': 'once',
};

export const repetitionOf = (name: OperationName): Repetition => repetition[name] ?? 'once';

/** Whether it may go out again without anybody having looked. */
export const isRepeatable = (name: OperationName): boolean => ['repeat', 'confirm'].includes(repetitionOf(name));

/**
 * What a failure at one server means for the others.
 *
 * - `next`: the server did not do it; another one may.
 * - `absent`: the server does not have the object; another one may, and then replication lags.
 * - `final`: the server decided. Another one must not be asked until somebody says yes.
 */
export type Consequence = 'next' | 'absent' | 'final';

const elsewhere = new Set<string>([
  'server.unreachable',
  'server.untrusted',
  'server.timeout',
  'proxy.refused',
  'version.unsupported',
  'answer.invalid',
  'client.busy',
]);

/** No reason says "try another server"; these are none of the request's fault. 2.x has new words for some reasons. */
const failing = new Set<string | undefined>(['General Failure', 'Internal Server Error']);
const missing = new Set<string | undefined>(['Item Not Found', 'Object Not Found']);

export function consequenceOf(error: KmipError): Consequence {
  if (elsewhere.has(error.code) || failing.has(error.reason)) return 'next';
  return isMissing(error) ? 'absent' : 'final';
}

/** The server says that it does not have the object. */
export const isMissing = ({ reason }: KmipError): boolean => missing.has(reason);

/** Failures that say something about the server and nothing about the request: they open its breaker. */
const ill = new Set<string>(['server.unreachable', 'server.untrusted', 'server.timeout', 'proxy.refused']);

export const isIll = (error: KmipError): boolean => ill.has(error.code);

/**
 * Whether the server may have carried the request out although this error is all that came back. A server that is not
 * trusted, or that refuses our certificate, has not read it.
 */
export const isUncertain = (error: KmipError, sent: boolean): boolean =>
  sent && (error.code === 'server.unreachable' || error.code === 'server.timeout' || error.code === 'answer.invalid');
