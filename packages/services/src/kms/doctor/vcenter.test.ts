import assert from 'node:assert/strict';
import test from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { Secret } from '@vouchsafe/bytes/secret';
import { vcenterItems, vcenterLabels, vcenterMessage } from './vcenter.ts';

/** Protocol Version 1.1, as the first field of a header. */
const version = '42006901000000204' + '2006a0200000004000000010000000042006b02000000040000000100000000';
const count = (n: number) => `42000d02000000040000000${n}00000000`;

test('Discover Versions, first without and then with an id, octet for octet', () => {
  const bare = `42007801000000604200770100000038${version}${count(1)}42000f010000001842005c05000000040000001e000000004200790100000000`;
  assert.equal(hex(vcenterMessage([vcenterItems.versions()], { numbered: false })), bare);
  const numbered = `42007801000000704200770100000038${version}${count(1)}42000f010000002842005c05000000040000001e000000004200930800000008514c4b43010000004200790100000000`;
  assert.equal(hex(vcenterMessage([vcenterItems.versions()])), numbered);
});

test('three labels are one message, and ids begin with 1 in each', () => {
  const labels = hex(vcenterMessage(vcenterLabels('1')));
  assert.ok(labels.includes(count(3)));
  for (const n of [1, 2, 3]) assert.ok(labels.includes(`4200930800000008514c4b430${n}000000`));
  assert.ok(!labels.includes('420010'), 'no Batch Order Option');
});

test('with a user name the header has Authentication between version and Batch Count', () => {
  using password = Secret.take(Buffer.from('b'));
  const message = hex(vcenterMessage([vcenterItems.versions()], { login: { username: 'a', password } }));
  const authentication =
    '42000c0100000040' +
    '4200230100000038' +
    '42002405000000040000000100000000' +
    '4200250100000020' +
    '42009907000000016100000000000000' +
    '4200a107000000016200000000000000';
  assert.ok(message.includes(`${version}${authentication}${count(1)}`));
  assert.equal(password.length, 1);
});
