import assert from 'node:assert/strict';
import test from 'node:test';
import { after, type State } from './state.ts';

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
