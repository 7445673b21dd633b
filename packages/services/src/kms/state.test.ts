import assert from 'node:assert/strict';
import test from 'node:test';
import { type ManagedObject, settled } from './object.ts';
import { after, type State } from './state.ts';

const at = (iso: string) => new Date(iso);
const object = (state: State, dates: Partial<ManagedObject> = {}): ManagedObject => ({
  id: 'a',
  owner: 'o',
  type: 'Symmetric Key',
  state,
  algorithm: 'AES',
  length: 256,
  usage: 12,
  initial: at('2026-01-01'),
  changed: at('2026-01-01'),
  ...dates,
});

test('KMIP 1.4, 3.22: dates lead on as soon as they are reached, and not before', () => {
  const key = object('Pre-Active', { activation: at('2026-02-01'), deactivation: at('2026-03-01') });
  assert.equal(settled(key, at('2026-01-31')), key);
  assert.equal(settled(key, at('2026-02-01')).state, 'Active');
  assert.equal(settled(key, at('2026-03-01')).state, 'Deactivated');
  assert.equal(settled(object('Compromised', { activation: at('2026-02-01') }), at('2026-03-01')).state, 'Compromised');
});

test('KMIP 1.4, 3.22: exactly the transitions of the standard exist', () => {
  const states: State[] = ['Pre-Active', 'Active', 'Deactivated', 'Compromised', 'Destroyed', 'Destroyed Compromised'];
  const events = ['activate', 'deactivate', 'compromise', 'destroy'] as const;
  const found = events.flatMap((event) =>
    states.flatMap((from) => {
      const to = after(from, event);
      return to === undefined ? [] : [`${from} -> ${to}`];
    }),
  );
  assert.deepEqual(found.toSorted(), [
    'Active -> Compromised',
    'Active -> Deactivated',
    'Compromised -> Destroyed Compromised',
    'Deactivated -> Compromised',
    'Deactivated -> Destroyed',
    'Destroyed -> Destroyed Compromised',
    'Pre-Active -> Active',
    'Pre-Active -> Compromised',
    'Pre-Active -> Destroyed',
  ]);
});
