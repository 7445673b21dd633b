import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '@vouchsafe/bytes/hex';
import { digest } from './algorithms.ts';
import { userspaceWords } from './userspace.ts';

const logged = new Uint8Array(32).fill(7);
const extended = (...words: string[]) =>
  words.reduce<Uint8Array>(
    (value, word) => digest('sha256', concat(value, digest('sha256', Buffer.from(word)))),
    logged,
  );

const accepted: [pcr: number, words: string[]][] = [
  [11, []],
  [4, []],
  [11, ['enter-initrd', 'leave-initrd', 'sysinit', 'ready']],
  [11, ['sysinit', 'ready']],
  [11, ['sysinit', 'ready', 'shutdown', 'final', 'sysinit', 'ready']],
  [11, ['enter-initrd']],
  [7, ['os-separator']],
];
for (const [pcr, words] of accepted) {
  test(`PCR ${pcr}: ${words.join(', ') || 'nothing'}`, () =>
    assert.deepEqual(userspaceWords('sha256', pcr, logged, extended(...words)), words));
}

const refused: [pcr: number, words: string[]][] = [
  [11, ['ready']],
  [11, ['sysinit', 'sysinit']],
  [11, ['leave-initrd', 'sysinit']],
  [11, ['evil']],
  [11, ['os-separator']],
  [4, ['sysinit']],
  [7, ['os-separator', 'os-separator']],
  [8, ['os-separator']],
];
for (const [pcr, words] of refused) {
  test(`PCR ${pcr} is not explained by ${words.join(', ')}`, () =>
    assert.equal(userspaceWords('sha256', pcr, logged, extended(...words)), undefined));
}
