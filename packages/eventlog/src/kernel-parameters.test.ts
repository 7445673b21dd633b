import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kernelParameters } from './kernel-parameters.ts';

const rows: [commandLine: string, parameters: [name: string, value: string | undefined][]][] = [
  ['', []],
  ['   ', []],
  ['quiet', [['quiet', undefined]]],
  [
    'root=/dev/sda1 ro',
    [
      ['root', '/dev/sda1'],
      ['ro', undefined],
    ],
  ],
  [
    'console=ttyS0,115200\tpanic=-1\n',
    [
      ['console', 'ttyS0,115200'],
      ['panic', '-1'],
    ],
  ],
  [
    'dyndbg="file a.c +p" quiet',
    [
      ['dyndbg', 'file a.c +p'],
      ['quiet', undefined],
    ],
  ],
  ['"init=/bin/sh -i"', [['init', '/bin/sh -i']]],
  ['init="/bin/sh"', [['init', '/bin/sh']]],
  ['a=b=c', [['a', 'b=c']]],
  ['a="unclosed b c', [['a', 'unclosed b c']]],
  ['=x', [['=x', undefined]]],
  ['"', [['', undefined]]],
];
for (const [commandLine, expected] of rows) {
  test(`${JSON.stringify(commandLine)} as the kernel splits it`, () =>
    assert.deepEqual(
      kernelParameters(commandLine).map(({ name, value }) => [name, value]),
      expected,
    ));
}

test('what stands behind -- is for the first program', () => {
  assert.deepEqual(
    kernelParameters('quiet -- single --').map(({ text, forInit }) => [text, forInit]),
    [
      ['quiet', false],
      ['single', true],
      ['--', true],
    ],
  );
});

test('a text that no kernel takes is refused', () =>
  assert.throws(() => kernelParameters('x'.repeat(65_537)), /65537 characters/));
