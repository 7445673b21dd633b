import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../testing/problem.ts';
import { checkHostName, checkScope } from './host-name.ts';

test('host names are those of the domain name system', () => {
  for (const name of ['kvm1', 'KVM-1', 'kvm1.east.example', '10', 'a'.repeat(63), '192.0.2.1'])
    assert.equal(checkHostName(name), name);
});

/** What somebody could put into a log, a path, a terminal, or the eye of an operator. */
const refused: readonly [name: string, says: RegExp][] = [
  ['', /each part/],
  ['../../etc/passwd', /U\+002F at position 3/],
  ['..', /each part/],
  ['kvm1\r\nhost.approve', /U\+000D at position 5/],
  ['kvm1\u0000', /U\+0000/],
  ['kvm1 ', /U\+0020/],
  ['kvm1.', /each part/],
  ['-kvm1', /each part/],
  ['kvm1-', /each part/],
  ['kvm_1', /U\+005F/],
  ['\u043avm1', /U\+043A at position 1/],
  ['kvm\u200b1', /U\+200B/],
  ['\u202e1mvk', /U\+202E/],
  ['\x1b[2J', /U\+001B/],
  ['\u{1f600}', /U\+1F600/],
  ['\ud800', /U\+D800/],
  ['a'.repeat(64), /63 characters/],
  ['a'.repeat(10_240), /10240 characters/],
  [`${'a.'.repeat(127)}a`, /255 characters/],
];

test('names that traverse, inject, look alike or have no end are refused, and not repeated in the message', () => {
  for (const [name, says] of refused) {
    assert.throws(() => checkHostName(name), problem('input.invalid', says), JSON.stringify(name.slice(0, 40)));
    assert.throws(
      () => checkHostName(name, 'entries[3].name'),
      ({ message }: Error) => message.startsWith('entries[3].name: ') && /^[\x20-\x7e]{1,200}$/.test(message),
    );
  }
});

test('scopes are plain words', () => {
  assert.equal(checkScope('cluster_a.1'), 'cluster_a.1');
  for (const name of ['', '../x', 'a b', 'a'.repeat(129), '\u0430'])
    assert.throws(() => checkScope(name), problem('input.invalid', /scope/));
});
