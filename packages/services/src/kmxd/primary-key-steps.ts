import { randomBytes } from 'node:crypto';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import type { PrimaryKey as Listed, Provider } from './configuration.ts';
import type { PrimaryKey } from './primary-keys.ts';

/**
 * One step about a primary key, as one member of the group tells it to all others. Each may be told again and again.
 *
 * `next`: know the key, and open what the member that asks has wrapped under it. `current`: wrap with it from now on.
 * `gone`: forget it.
 */
export const PrimaryKeyStep = Type.Object(
  {
    uid: Type.String({ minLength: 1, maxLength: 256 }),
    role: Type.Union([Type.Literal('next'), Type.Literal('current'), Type.Literal('gone')]),
    /** With `next`: a KEK ciphertext that no host has. */
    proof: Type.Optional(Type.String({ maxLength: 4096 })),
    /** With `gone`: also a key under which there may be KEKs. */
    force: Type.Optional(Type.Boolean()),
    /** With `gone`: only a rotation that has not switched ends; a key that was old before stays that. */
    cancel: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type PrimaryKeyStep = Type.Static<typeof PrimaryKeyStep>;

/**
 * The list of primary keys after a step.
 * @throws {Problem} `object.in-use` when another rotation is under way, or the key may not go; `object.unknown`
 */
export function afterStep({ name, primary_keys }: Provider, step: PrimaryKeyStep): Listed[] {
  const { uid, role } = step;
  const found = primary_keys.find((key) => key.uid === uid);
  if (role === 'next')
    return found === undefined ? withNext(name, primary_keys, { uid, role }) : again(name, primary_keys, found);
  if (role === 'gone') return found === undefined ? primary_keys : without(name, primary_keys, found, step);
  if (found === undefined) throw new Problem('object.unknown', `provider ${name}: primary key ${uid}`);
  return primary_keys.map((key) => ({
    uid: key.uid,
    role: key.uid === uid ? 'current' : key.role === 'current' ? 'old' : key.role,
  }));
}

function withNext(name: string, keys: readonly Listed[], next: Listed): Listed[] {
  const other = keys.find(({ role }) => role === 'next');
  if (other !== undefined)
    throw new Problem('object.in-use', `provider ${name}: the rotation to ${other.uid} is under way; end or cancel it`);
  if (keys.length >= 64) throw new Problem('object.in-use', `provider ${name}: 64 primary keys; delete old ones first`);
  return [...keys, next];
}

/** Back to an old key is a rotation as well; while it is on its way it goes on opening what it wrapped. */
function again(name: string, keys: readonly Listed[], found: Listed): Listed[] {
  if (found.role !== 'old') return [...keys];
  return withNext(
    name,
    keys.filter((key) => key !== found),
    { uid: found.uid, role: 'next', used: true },
  );
}

function without(
  name: string,
  keys: readonly Listed[],
  found: Listed,
  { force = false, cancel = false }: PrimaryKeyStep,
): Listed[] {
  const { uid, role, used = false } = found;
  if (role === 'current') throw new Problem('object.in-use', `provider ${name}: ${uid} is the current primary key`);
  if (!force && (role === 'next' ? used : cancel))
    return keys.map((key) => (key === found ? { uid, role: 'old' } : key));
  if (role === 'old' && !force)
    throw new Problem(
      'object.in-use',
      `provider ${name}: KEKs under ${uid} could never be opened again; --force does it`,
    );
  return keys.filter((key) => key !== found);
}

/** A KEK ciphertext under a primary key, of a KEK that nobody keeps. */
export async function proofUnder(key: PrimaryKey, provider: Provider, now: number): Promise<string> {
  const kek = new Uint8Array(randomBytes(32));
  try {
    return await key.wrap({ prv: provider.id, scp: '', iat: now }, kek);
  } finally {
    kek.fill(0);
  }
}
