import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffLogs, maxDifferences } from './diff.ts';
import { decodeLog } from './log.ts';
import { buildLog } from './testing/build.ts';

/** A log whose events of PCR 4 are these words. */
const logOf = (words: string) =>
  decodeLog(
    buildLog(
      [...words].map((word) => ({ pcr: 4, type: 'EV_IPL' as const, data: word })),
      ['sha256'],
    ),
  );

const differences = (golden: string, actual: string) =>
  diffLogs(logOf(golden), logOf(actual), 'sha256').map(({ kind, position, expected, actual: found }) =>
    [kind, position, expected, found].map((each) =>
      typeof each === 'object' ? Buffer.from(each.data).toString() : each,
    ),
  );

const rows: [golden: string, actual: string, differences: unknown[][]][] = [
  ['abc', 'abc', []],
  ['abc', 'aXc', [['changed', 1, 'b', 'X']]],
  ['abc', 'ac', [['missing', 1, 'b', undefined]]],
  ['ac', 'abc', [['extra', 1, undefined, 'b']]],
  [
    'abcdef',
    'aXcdYf',
    [
      ['changed', 1, 'b', 'X'],
      ['changed', 4, 'e', 'Y'],
    ],
  ],
  [
    'abcd',
    'acdE',
    [
      ['missing', 1, 'b', undefined],
      ['extra', 4, undefined, 'E'],
    ],
  ],
  ['abcd', 'acbd', [['moved', 1, 'b', 'b']]],
  [
    '',
    'ab',
    [
      ['extra', 0, undefined, 'a'],
      ['extra', 0, undefined, 'b'],
    ],
  ],
  [
    'ab',
    '',
    [
      ['missing', 0, 'a', undefined],
      ['missing', 1, 'b', undefined],
    ],
  ],
  ['aab', 'abb', [['changed', 1, 'a', 'b']]],
];
for (const [golden, actual, expected] of rows) {
  test(`'${golden}' became '${actual}'`, () => assert.deepEqual(differences(golden, actual), expected));
}

test('what differs can be undone: the differences lead from one list to the other', () => {
  const words = ['aabbcc', 'abcabc', 'ccbbaa', 'abc', 'cab', 'bbbb', 'a'];
  for (const golden of words) {
    for (const actual of words) {
      const found = diffLogs(logOf(golden), logOf(actual), 'sha256');
      const gone = found.filter(({ kind }) => kind === 'missing' || kind === 'changed').length;
      const come = found.filter(({ kind }) => kind === 'extra' || kind === 'changed').length;
      assert.equal(golden.length - gone + come, actual.length, `${golden} ${actual}`);
      assert.equal(found.length === 0, golden === actual);
    }
  }
});

test('a long list of differences ends in how many more there are', () => {
  const letters = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'].join('');
  const found = diffLogs(logOf(''), logOf(letters), 'sha256');
  assert.equal(found.length, maxDifferences + 1);
  assert.equal(found.at(-1)?.text, `PCR 4: ${letters.length - maxDifferences} more events differ`);
});

test('logs too long to align are compared event by event, and many alike cost little', () => {
  const [many, others] = ['a'.repeat(4000), 'b'.repeat(4000)];
  assert.equal(diffLogs(logOf(many), logOf(others), 'sha256', [4], 5000).length, 4000);
  assert.equal(diffLogs(logOf(`${many}X`), logOf(`Y${many}`), 'sha256', [4], 5000).length, 3);
});
