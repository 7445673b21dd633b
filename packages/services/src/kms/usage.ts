import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import type { CryptographicParameters } from '@vouchsafe/kmip/cryptographic-parameters';
import { cryptographicUsageMask } from '@vouchsafe/kmip/enums';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { ManagedObject } from './managed-object.ts';

/** Where a key lies in its life when it may be used so (KMIP 1.4, 3.22, 3.25, 3.26). */
interface Use {
  readonly states: readonly string[];
  /** Protects data anew: not after the Protect Stop Date, and within the Usage Limits. */
  readonly protects: boolean;
}

const protect: Use = { states: ['Active'], protects: true };
/** What was protected while the key was good must be readable later; not before the Process Start Date. */
const process: Use = { states: ['Active', 'Deactivated', 'Compromised'], protects: false };

const uses = {
  Encrypt: protect,
  Decrypt: process,
  Sign: protect,
  Verify: process,
  'MAC Generate': protect,
  'MAC Verify': process,
  'Wrap Key': protect,
  'Unwrap Key': process,
  'Derive Key': protect,
} as const satisfies Partial<Record<keyof typeof cryptographicUsageMask, Use>>;

/** A use that the server makes of a key. */
export type UseName = keyof typeof uses;

/**
 * Refuses a use that the state, the dates or the Cryptographic Usage Mask of a key does not allow.
 * @throws {OperationError} `Permission Denied`
 */
export function checkUse(object: ManagedObject, name: UseName, now: Date): void {
  const { states, protects } = uses[name];
  const mask = attributeValue(object.attributes, 'Cryptographic Usage Mask') ?? 0;
  if ((mask & cryptographicUsageMask[name]) === 0) throw denied(`Cryptographic Usage Mask: ${name} is not set`);
  if (!states.includes(object.state)) throw denied(`${name}: the object is ${object.state}`);
  if (protects && object.protectStop !== undefined && object.protectStop <= now)
    throw denied('Protect Stop Date: was reached');
  if (!protects && object.processStart !== undefined && object.processStart > now)
    throw denied('Process Start Date: lies ahead');
}

/**
 * The object after it protected so many octets; the same object when it has no Usage Limits (KMIP 1.4, 3.21).
 * @throws {OperationError} `Permission Denied` when they do not leave as much
 */
export function spent(object: ManagedObject, octets: number): ManagedObject {
  const limits = attributeValue(object.attributes, 'Usage Limits');
  if (limits === undefined) return object;
  return taken(object, BigInt(limits.unit === 'Byte' ? octets : 1));
}

/** The object after so much was taken from its Usage Limits. @throws {OperationError} `Permission Denied` */
export function taken(object: ManagedObject, amount: bigint): ManagedObject {
  const limits = attributeValue(object.attributes, 'Usage Limits');
  if (limits === undefined) throw denied('Usage Limits: the object has none');
  const left = limits.count ?? limits.total;
  if (amount < 0n || amount > left) throw denied(`Usage Limits: ${left} left, ${amount} asked for`);
  const attributes = object.attributes.map(
    (each): Attribute =>
      each.name === 'Usage Limits' ? { ...each, value: { ...each.value, count: left - amount } } : each,
  );
  return { ...object, attributes };
}

/** What an operation is carried out with: the parameters of the request, or the first ones of the key (KMIP 1.4, 4.29). */
export const parametersFor = (
  object: ManagedObject,
  asked: CryptographicParameters | undefined,
): CryptographicParameters => asked ?? attributeValue(object.attributes, 'Cryptographic Parameters') ?? {};

const denied = (why: string) => new OperationError('Permission Denied', why);
