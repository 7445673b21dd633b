import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '@vouchsafe/domain/testing/problem';
import { readInventory } from './inventory.ts';

const [a, b] = ['ab'.repeat(32), 'cd'.repeat(32)];
const pem = '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n';
const entries = [
  { name: 'kvm1', scope: 'east', ek: a },
  { name: 'kvm2', public_key: pem },
];
const read = (text: string) => readInventory(text, 'list');

test('one inventory in three forms', () => {
  const json = read(JSON.stringify(entries));
  assert.deepEqual(
    json.map(({ entry }) => entry),
    entries,
  );
  assert.deepEqual(
    json.map(({ place }) => place),
    ['entry 1', 'entry 2'],
  );
  const lines = read(entries.map((each) => `${JSON.stringify(each)}\n`).join('\n'));
  assert.deepEqual(lines, [
    { place: 'line 1', entry: entries[0] },
    { place: 'line 3', entry: entries[1] },
  ]);
  const csv = read(`\ufeffName,scope,ek,public_key\r\nkvm1,east,${a},\r\nkvm2,,,"${pem}"\r\n`);
  assert.deepEqual(csv, [
    { place: 'line 2', entry: entries[0] },
    { place: 'line 3', entry: entries[1] },
  ]);
});

test('all that is wrong is told at once, each with its line', () => {
  const text = `name,ek\nkvm1,${a}\nkvm2,xyz\nkvm3\n,${b}\nkvm5,\n`;
  assert.throws(
    () => read(text),
    problem(
      'input.invalid',
      /4 entries are wrong, so nothing was approved:\n {2}line 3: ek: .*\n {2}line 4: 1 fields, expected 2.*\n {2}line 5: .*name.*\n {2}line 6: expected exactly one/,
    ),
  );
});

test('what is no inventory is refused by its name', () => {
  const bad: [text: string, kind: 'input.invalid' | 'input.malformed' | 'input.too-large', says: RegExp][] = [
    ['', 'input.invalid', /no endorsement key/],
    ['[]', 'input.invalid', /no endorsement key/],
    ['name,ek\n', 'input.invalid', /no endorsement key/],
    ['[', 'input.malformed', /not JSON/],
    [`{"name":"a","ek":"${a}"}\n{"name"`, 'input.malformed', /line 2/],
    [`{"name":"a","name":"b","ek":"${a}"}`, 'input.malformed', /twice/],
    ['hostname,ek\nx,y\n', 'input.invalid', /line 1.*"hostname" is none/],
    ['name,name\nx,y\n', 'input.invalid', /twice/],
    ['name,ek\n"x,y\n', 'input.malformed', /line 2: a quote/],
    [`[{"name":"a","ek":"${a}","state":"approved"}]`, 'input.invalid', /entry 1: state/],
    ['[1,null,"x"]', 'input.invalid', /3 entries are wrong/],
    [JSON.stringify(Array(10_001).fill(entries[0])), 'input.too-large', /10001/],
  ];
  for (const [text, kind, says] of bad) assert.throws(() => read(text), problem(kind, says), text.slice(0, 40));
});

test('thousands of faults are counted, not listed', () => {
  assert.throws(
    () => read(`name,ek\n${'kvm,x\n'.repeat(5000)}`),
    problem('input.invalid', /5000 entries are wrong.*and 4980 more$/s),
  );
});

test('every truncation of an inventory is read as something or refused', () => {
  for (const text of [JSON.stringify(entries), `name,ek,public_key\nkvm1,${a},\nkvm2,,"${pem}"\n`]) {
    for (let end = 0; end < text.length; end++) {
      try {
        read(text.slice(0, end));
      } catch (error) {
        assert.equal((error as Error).name, 'Problem', text.slice(0, end));
      }
    }
  }
});
