import assert from 'node:assert/strict';
import test from 'node:test';
import { attributesOf, type ManagedObject, settled } from './managed-object.ts';
import type { State } from './state.ts';

const at = (iso: string) => new Date(iso);
const object = (state: State, dates: Partial<ManagedObject> = {}): ManagedObject => ({
  id: 'a',
  scope: 's',
  owner: 'o',
  type: 'Symmetric Key',
  state,
  initial: at('2026-01-01'),
  changed: at('2026-01-01'),
  attributes: [{ name: 'Cryptographic Length', value: 256 }],
  ...dates,
});

test('KMIP 1.4, 3.22: dates lead on as soon as they are reached, and not before', () => {
  const key = object('Pre-Active', { activation: at('2026-02-01'), deactivation: at('2026-03-01') });
  assert.equal(settled(key, at('2026-01-31')), key);
  assert.equal(settled(key, at('2026-02-01')).state, 'Active');
  assert.equal(settled(key, at('2026-03-01')).state, 'Deactivated');
  assert.equal(settled(object('Compromised', { activation: at('2026-02-01') }), at('2026-03-01')).state, 'Compromised');
  assert.equal(settled(object('Pre-Active', { deactivation: at('2026-02-01') }), at('2026-03-01')).state, 'Pre-Active');
});

test('the attributes of an object are its fields and all others, and a date that is not set is none', () => {
  const names = attributesOf(object('Active', { activation: at('2026-02-01') })).map(({ name }) => name);
  assert.deepEqual(names, [
    'Unique Identifier',
    'Object Type',
    'State',
    'Initial Date',
    'Activation Date',
    'Last Change Date',
    'Cryptographic Length',
  ]);
});
