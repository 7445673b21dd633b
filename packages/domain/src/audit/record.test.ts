import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../testing/problem.ts';
import { type AuditEntry, chain, emptyChain, follow, verifyChain } from './record.ts';

const entry = (id: string): AuditEntry => ({
  action: 'config.change',
  actor: { kind: 'user', id: 'local-root' },
  target: { kind: 'test', id },
  outcome: 'success',
  detail: { text: 'ümläut, "quotes" and\nlines' },
});

function linesOf(count: number): string[] {
  const lines: string[] = [];
  let head = emptyChain;
  for (let i = 1; i <= count; i++) {
    const next = chain(head, 'attestd', new Date(1_790_000_000_000 + i), entry(String(i)));
    lines.push(next.line);
    head = next.head;
  }
  return lines;
}

test('a chain is verified to its head, and a record reads back', () => {
  const lines = linesOf(5);
  assert.equal(verifyChain(lines).seq, 5);
  assert.deepEqual(verifyChain([]), emptyChain);
  const { record } = follow(emptyChain, lines[0] ?? '');
  assert.deepEqual(record, {
    seq: 1,
    prev: '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU',
    time: '2026-09-21T14:13:20.001Z',
    part: 'attestd',
    ...entry('1'),
  });
  assert.ok(lines.every((line) => !line.includes('\n')));
});

const lines = linesOf(6);
const attacks: [name: string, changed: string[], record: number][] = [
  ['removed at the start', lines.slice(1), 1],
  ['removed in the middle', lines.toSpliced(2, 1), 3],
  ['altered', lines.with(2, lines[2]!.replace('"id":"3"', '"id":"x"')), 4],
  ['altered in white space only', lines.with(2, lines[2]!.replace('{', '{ ')), 4],
  ['reordered', lines.with(2, lines[3]!).with(3, lines[2]!), 3],
  ['repeated', lines.toSpliced(3, 0, lines[2]!), 4],
  ['added', lines.toSpliced(3, 0, lines[3]!.replace('"id":"4"', '"id":"x"')), 5],
  ['emptied', lines.with(1, ''), 2],
  ['of another kind', lines.with(1, '{"seq":2}'), 2],
  ['with a name twice', lines.with(1, lines[1]!.replace('"seq":2', '"seq":2,"seq":2')), 2],
];

for (const [name, changed, record] of attacks) {
  test(`a record that is ${name} breaks the chain, and the record is named`, () => {
    assert.throws(() => verifyChain(changed), problem('audit.broken', new RegExp(`^record ${record}: `)));
  });
}

test('records that are cut off at the end are told by the head alone', () => {
  assert.equal(verifyChain(lines.slice(0, 4)).seq, 4);
  assert.notEqual(verifyChain(lines.slice(0, 4)).hash, verifyChain(lines).hash);
});

test('whoever rewrites all records behind a change gets another head', () => {
  let head = verifyChain(lines.slice(0, 2));
  for (const each of ['x', '4', '5', '6']) head = chain(head, 'attestd', new Date(0), entry(each)).head;
  assert.notDeepEqual(head, verifyChain(lines));
});
