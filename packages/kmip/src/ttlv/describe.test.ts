import assert from 'node:assert/strict';
import test from 'node:test';
import { getAnswer } from '../testing/samples.ts';
import { describe, describeText } from './describe.ts';

test('a message is shown with the names of the standard and without the key', () => {
  const tree = describe(getAnswer(0x5a));
  const shown = describeText(tree) + JSON.stringify(tree);
  assert.match(shown, /Cryptographic Algorithm \(Enumeration\): AES/);
  assert.match(shown, /Time Stamp \(Date-Time\): 2026-01-01T00:00:00\.000Z/);
  assert.match(shown, /Key Material \(Byte String\): \*\*\* \(32 bytes\)/);
  assert.doesNotMatch(shown, /5a5a/i);
});
