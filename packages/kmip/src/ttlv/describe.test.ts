import assert from 'node:assert/strict';
import test from 'node:test';
import type { Attribute } from '../attribute.ts';
import { getAttributes } from '../operations/get-attributes.ts';
import { locate } from '../operations/locate.ts';
import { asking, getAnswer, requestMessage } from '../testing/samples.ts';
import { toXml } from '../xml/encode.ts';
import { describe, describeText } from './describe.ts';

test('a message is shown with the names of the standard and without the key', () => {
  const tree = describe(getAnswer(0x5a));
  const shown = describeText(tree) + JSON.stringify(tree);
  assert.match(shown, /Cryptographic Algorithm \(Enumeration\): AES/);
  assert.match(shown, /Time Stamp \(Date-Time\): 2026-01-01T00:00:00\.000Z/);
  assert.match(shown, /Key Material \(Byte String\): \*\*\* \(32 bytes\)/);
  assert.doesNotMatch(shown, /5a5a/i);
});

test('values of attributes are shown by their names, under either major version', () => {
  const attributes: Attribute[] = [
    { name: 'Cryptographic Algorithm', value: 'AES' },
    { name: 'Cryptographic Usage Mask', value: 12 },
    { name: 'x-constructor', value: { type: 'Enumeration', value: 3 } },
  ];
  for (const minor of [1, 4]) {
    const octets = requestMessage([asking(locate, { attributes })], {}, { major: 1, minor });
    const shown = describeText(describe(octets));
    assert.match(shown, /Attribute Value \(Enumeration\): AES/);
    assert.match(shown, /Attribute Value \(Integer\): 12 \(Encrypt, Decrypt\)/);
    assert.match(shown, /Attribute Value \(Enumeration\): 0x00000003/);
  }
  const two = requestMessage([asking(getAttributes, { id: 'a', names: ['State'] })], {}, { major: 2, minor: 0 });
  assert.match(describeText(describe(two)), /Attribute Reference \(Enumeration\): State/);
});

test('a name that every object has is no table of values', () => {
  const attributes: Attribute[] = [{ name: '?constructor', value: { type: 'Enumeration', value: 3 } }];
  const octets = requestMessage([asking(locate, { attributes })]);
  assert.match(describeText(describe(octets)), /0x00000003/);
  assert.match(JSON.stringify(toXml(octets, { secrets: 'hidden' })), /0x00000003/);
});
