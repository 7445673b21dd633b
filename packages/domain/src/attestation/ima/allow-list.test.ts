import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { Problem } from '../../problem.ts';
import { AllowList } from './allow-list.ts';
import { readChecksums, writeChecksums } from './checksum-lines.ts';
import { type ImaList, listDigest, listFile, makeList, readListFile } from './ima-list.ts';

const digestOf = (n: number, digits = 64) =>
  n
    .toString(16)
    .padStart(2, '0')
    .repeat(digits / 2);
const about = { name: 'base', source: 'test', created: '2026-01-01T00:00:00.000Z' };
const lines = [
  { path: '/usr/bin/b', digest: digestOf(2) },
  { path: '/usr/bin/a', digest: digestOf(1) },
  { path: '/usr/bin/a', digest: digestOf(3) },
  { path: '/usr/bin/a', digest: digestOf(3) },
  { path: '/lib/x\\x2dy', digest: digestOf(4, 128) },
  { path: '/srv/ä b', digest: digestOf(5, 96) },
];
const list = makeList(about, lines);

test('lines are sorted, each once, and come back as sha256sum writes them', () => {
  assert.deepEqual(list.entries.split('\n'), [
    `\\${digestOf(4, 128)}  /lib/x\\\\x2dy`,
    `${digestOf(5, 96)}  /srv/ä b`,
    `${digestOf(1)}  /usr/bin/a`,
    `${digestOf(3)}  /usr/bin/a`,
    `${digestOf(2)}  /usr/bin/b`,
    '',
  ]);
  assert.equal(writeChecksums(readChecksums('list', list.entries).lines), list.entries);
  assert.deepEqual(readListFile('list', listFile(list), new Date(0)), list);
  assert.equal(listDigest(makeList({ ...about, name: 'other' }, lines.toReversed())), listDigest(list));
});

test('a list answers for each of its lines, and for nothing else', () => {
  const asked = new AllowList(list);
  assert.equal(asked.size, 5);
  const look = (path: string, hash: string, n: number, digits = 64) =>
    asked.look(path, hash, fromHex(digestOf(n, digits)));
  assert.equal(look('/usr/bin/a', 'sha256', 1), 'listed');
  assert.equal(look('/usr/bin/a', 'sha256', 3), 'listed');
  assert.equal(look('/usr/bin/a', 'sha256', 2), 'changed');
  assert.equal(look('/usr/bin/b', 'sha256', 2), 'listed');
  assert.equal(look('/lib/x\\x2dy', 'sha512', 4, 128), 'listed');
  assert.equal(look('/lib/x\\x2dy', 'sha256', 4), 'changed', 'the beginning of a longer digest');
  assert.equal(look('/srv/ä b', 'sha384', 5, 96), 'listed');
  assert.equal(look('/usr/bin/', 'sha256', 1), 'absent');
  assert.equal(look('/usr/bin/ab', 'sha256', 1), 'absent');
});

test('a large list answers as a map would', () => {
  const many = Array.from({ length: 5000 }, (_, i) => ({ path: `/d${i % 70}/f${i}`, digest: digestOf((i % 250) + 1) }));
  const asked = new AllowList(makeList(about, many));
  for (const { path, digest } of many) {
    assert.equal(asked.look(path, 'sha256', fromHex(digest)), 'listed');
    assert.equal(asked.look(path, 'sha256', new Uint8Array(32)), 'changed');
    assert.equal(asked.look(`${path}x`, 'sha256', fromHex(digest)), 'absent');
  }
});

test('lines that are none are refused by number', () => {
  const table: [string, RegExp][] = [
    ['abc', /line 1: expected DIGEST, two blanks, PATH/],
    [`${digestOf(1)} /a`, /line 1: expected DIGEST/],
    [`# name: x\n${digestOf(1, 40)}  /a`, /line 2: a digest of 40 digits, expected 64/],
    [`${digestOf(1)}  a`, /line 1: expected an absolute path/],
    [`${digestOf(1)}  /a/../b`, /line 1: expected an absolute path/],
    [`${digestOf(1)}  /a\x07`, /line 1: expected an absolute path/],
    [`\\${digestOf(1)}  /a\\nb`, /line 1: expected an absolute path/],
    [`\\${digestOf(1)}  /a\\xb`, /line 1: expected \\\\, \\n or \\r behind a backslash/],
    [`${digestOf(0)}  /a`, /line 1: a digest of zeros/],
    [`${digestOf(1)}  /${'a'.repeat(4096)}`, /line 1: a path of more than 4096 bytes/],
  ];
  for (const [text, message] of table) {
    assert.throws(
      () => readChecksums('list', text),
      (e) => e instanceof Problem && message.test(e.message),
      text,
    );
  }
  assert.throws(() => makeList(about, []), /no files/);
  assert.throws(() => readListFile('f', `${digestOf(1)}  /a\n`, new Date(0)), /give --name/);
  assert.equal(readListFile('f', `${digestOf(1)} */a`, new Date(0), 'n').entries, `${digestOf(1)}  /a\n`);
});

test('a stored list that is not as lists are written is refused, never half read', () => {
  const load = (entries: string) => new AllowList({ ...list, entries });
  const [a, b] = [`${digestOf(1)}  /a\n`, `${digestOf(2)}  /b\n`];
  assert.equal(load(a + b).size, 2);
  assert.throws(() => load(a + b + a), /not sorted/);
  assert.throws(() => load(a.trimEnd()), /line 1 is not as a list is written/);
  assert.throws(() => load(`${digestOf(1, 40)}  /a\n`), /line 1 is not/);
});

test('truncations, bit flips and mutations are read or refused, and never read as more', () => {
  const bytes = new Uint8Array(Buffer.from(list.entries));
  const survive = (changed: Uint8Array) => {
    const entries = Buffer.from(changed).toString();
    for (const read of [() => readChecksums('list', entries), () => new AllowList({ ...list, entries } as ImaList)]) {
      try {
        read();
      } catch (error) {
        assert.ok(error instanceof Problem, String(error));
      }
    }
  };
  everyTruncation(bytes, survive);
  everyBitFlip(bytes, survive);
  mutations([bytes], 3, 2000, survive);
});
