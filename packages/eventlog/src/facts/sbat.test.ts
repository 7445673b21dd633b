import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { parseSbatLevel } from './sbat.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const level = 'sbat,1,2023012900\nshim,2\ngrub,3\ngrub.debian,4\n';

test('a level names its date and the lowest generation of each component', () => {
  const generations = new Map([
    ['shim', 2],
    ['grub', 3],
    ['grub.debian', 4],
  ]);
  assert.deepEqual(parseSbatLevel(bytes(level)), { date: '2023012900', generations });
  assert.deepEqual(parseSbatLevel(bytes('sbat,1,2021030218')), { date: '2021030218', generations: new Map() });
  assert.deepEqual(parseSbatLevel(bytes(`${level}\0`)), parseSbatLevel(bytes(level)), 'a variable may end in NUL');
});

const none: [name: string, text: string][] = [
  ['nothing', ''],
  ['no first line', 'shim,2\n'],
  ['first line elsewhere', 'shim,2\nsbat,1,2023012900\n'],
  ['a component twice: which one holds?', 'sbat,1,2023012900\nshim,2\nshim,9\n'],
  ['an empty line', 'sbat,1,2023012900\n\nshim,2\n'],
  ['no generation', 'sbat,1,2023012900\nshim\n'],
  ['a negative generation', 'sbat,1,2023012900\nshim,-2\n'],
  ['a generation that is no whole number', 'sbat,1,2023012900\nshim,2.5\n'],
  ['a generation beyond what can be compared', `sbat,1,2023012900\nshim,${'9'.repeat(20)}\n`],
  ['a space', 'sbat,1,2023012900\nshim, 2\n'],
  ['carriage returns', 'sbat,1\r\nshim,2\r\n'],
  ['a date behind another component', 'sbat,1,2023012900\nshim,2,2023012900\n'],
  ['no date', 'sbat,1\nshim,2\n'],
  ['too long', `sbat,1,2023012900\n${Array.from({ length: 500 }, (_, i) => `component${i},1`).join('\n')}\n`],
];
for (const [name, text] of none) test(`no level: ${name}`, () => assert.equal(parseSbatLevel(bytes(text)), undefined));

test('what is cut or changed is read as what stands there, or not at all', () => {
  everyTruncation(bytes(level), (cut) => {
    for (const [component, generation] of parseSbatLevel(cut)?.generations ?? [])
      assert.ok(level.includes(`${component},${generation}`));
  });
  mutations([bytes(level)], 7, 2000, (changed) => {
    const read = parseSbatLevel(changed);
    assert.ok(read === undefined || /^\d{10}$/.test(read.date));
  });
});
