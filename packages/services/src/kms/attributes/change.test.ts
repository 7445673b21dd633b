import assert from 'node:assert/strict';
import test from 'node:test';
import type { Attribute } from '@vouchsafe/kmip/attribute';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import type { ManagedObject } from '../managed-object.ts';
import type { State } from '../state.ts';
import { added, deleted, indexOf, instances, modified, set } from './change.ts';

const now = new Date('2026-03-01T12:00:00Z');
const later = new Date('2026-04-01T12:00:00Z');
const object = (more: Partial<ManagedObject> = {}): ManagedObject => ({
  id: 'a',
  scope: 's',
  owner: 'o',
  type: 'Symmetric Key',
  state: 'Pre-Active',
  initial: new Date('2026-01-01T00:00:00Z'),
  changed: new Date('2026-01-01T00:00:00Z'),
  attributes: [],
  ...more,
});
const custom = (value: string): Attribute => ({ name: 'x-a', value: { type: 'Text String', value } });
const refused = (reason: string) => (error: unknown) => error instanceof OperationError && error.reason === reason;

test('indices stay as they are when another instance is taken away, and a new one gets the next', () => {
  let one = object();
  for (const value of ['0', '1', '2']) one = added(one, custom(value), now);
  one = deleted(one, 'x-a', 1, now).object;
  one = added(one, custom('3'), now);
  assert.deepEqual(
    instances(one, 'x-a').map(({ index }) => index ?? 0),
    [0, 2, 3],
  );
  assert.equal(indexOf(one, custom('2'), 'x-a'), 2);
  assert.throws(() => indexOf(one, custom('1'), 'x-a'), refused('Item Not Found'));
  assert.deepEqual(one.changed, now);
});

test('a date that lies ahead is changed in the states that it still matters in, and in no other', () => {
  const dates = ['Activation Date', 'Process Start Date', 'Protect Stop Date', 'Deactivation Date'] as const;
  const states: State[] = ['Pre-Active', 'Active', 'Deactivated', 'Compromised', 'Destroyed', 'Destroyed Compromised'];
  const allowed = dates.map((name) =>
    states.filter((state) => {
      try {
        added(object({ state }), { name, value: later }, now);
        return true;
      } catch (error) {
        assert.ok(refused('Permission Denied')(error));
        return false;
      }
    }),
  );
  assert.deepEqual(allowed, [
    ['Pre-Active'],
    ['Pre-Active', 'Active'],
    ['Pre-Active', 'Active'],
    ['Pre-Active', 'Active'],
  ]);
  const reached = object({ state: 'Active', protectStop: now });
  assert.throws(
    () => modified(reached, { name: 'Protect Stop Date', value: later }, now),
    refused('Permission Denied'),
  );
});

test('Usage Limits start full, and are not set anew once something was taken', () => {
  const limits = (total: bigint): Attribute => ({ name: 'Usage Limits', value: { total, unit: 'Byte' } });
  const limited = added(object(), limits(10n), now);
  assert.deepEqual(instances(limited, 'Usage Limits')[0]?.value, { total: 10n, unit: 'Byte', count: 10n });
  modified(limited, limits(20n), now);
  const used = { ...limited, attributes: [{ name: 'Usage Limits', value: { total: 10n, unit: 'Byte', count: 4n } }] };
  assert.throws(() => modified(used as ManagedObject, limits(20n), now), refused('Permission Denied'));
});

test('Set Attribute gives what stands once, and refuses what may stand several times', () => {
  const contact = (value: string): Attribute => ({ name: 'Contact Information', value });
  const one = set(set(object(), contact('a'), now), contact('b'), now);
  assert.deepEqual(
    instances(one, 'Contact Information').map(({ value }) => value),
    ['b'],
  );
  assert.throws(() => set(object(), custom('a'), now), refused('Multi Valued Attribute'));
});
