import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mutations } from '@vouchsafe/bytes/hostile';
import Type from 'typebox';
import { jsonReader, parseJson } from './parse.ts';
import { Problem } from './problem.ts';
import { problem } from './testing/problem.ts';

const parse = (text: string) => parseJson('test', text);

test('JSON is read as JSON.parse reads it', () => {
  const texts = [
    'null',
    '"a:b"',
    '["a", ": b", "::1", ":"]',
    '["127.0.0.1","::1",{"x":"::"}]',
    '{"a":"x", "  :b":1, ":":2, "\\":":3, "a:":"\\\\"}',
    '{"a":{"a":{"a":["a","a"]}}}',
    '{"":1}',
    '[9007199254740991, -9007199254740991, -0, 0.1, 1e-400]',
    '{"__proto__":{"polluted":1},"constructor":2}',
    `"${'\\"'.repeat(1000)}"`,
    `"${'[{'.repeat(1000)}"`,
    ' \t\r\n{ "a" : [ ] } \n',
  ];
  for (const text of texts) assert.deepEqual(parse(text), JSON.parse(text), text);
  assert.equal(({} as { polluted?: number }).polluted, undefined);
});

test('RFC 8259, 4: a name that stands twice in one object is refused', () => {
  const texts = [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '[{"b":{"a":1,"c":[],"a":2}}]',
    '{"x":["y",":"],"a":1,"a":2}',
    '{"a" : 1, "a"\n:\t2}',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":2}',
  ];
  for (const text of texts) assert.throws(() => parse(text), problem('input.malformed', /twice/), text);
});

test('RFC 7493, 2.2: a number that two readers would not see alike is refused', () => {
  for (const text of ['9007199254740993', '[{"a":-9007199254740992}]', '12345678901234567890', '1e400', '1e22'])
    assert.throws(() => parse(text), problem('input.malformed', /number/), text);
});

test('what is nested deeper than 32 is refused, however deep', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  assert.ok(parse(nested(32)));
  for (const depth of [33, 100, 1e6]) assert.throws(() => parse(nested(depth)), problem('input.malformed', /nested/));
  assert.throws(() => parse('{"a":'.repeat(1e5)), problem('input.malformed', /nested/));
});

test('text that is no JSON is refused by its name', () => {
  for (const text of ['', '{', '[1,]', '{a:1}', "{'a':1}", '"\n"', 'NaN', '1 2', '\ufeff{}', '"', '"\\', '{"a"}']) {
    assert.throws(() => parse(text), problem('input.malformed', /^test: not JSON/), text);
  }
});

test('a string of many megabytes costs no stack', () => {
  const long = JSON.stringify({ a: 'x'.repeat(8e6), b: '\\"'.repeat(1e6) });
  assert.deepEqual(parse(long), JSON.parse(long));
});

test('seeded mutations: as JSON.parse, or refused as malformed', () => {
  const sample = Buffer.from('{"a":["x",": y","::1"],"b":{"c":"\\"","d":[{"a":1},{"a":2}]},":e":null}');
  mutations([sample], 7, 5000, (bytes) => {
    const text = Buffer.from(bytes).toString();
    try {
      assert.deepEqual(parse(text), JSON.parse(text));
    } catch (error) {
      assert.ok(error instanceof Problem, text);
      assert.equal(error.kind, 'input.malformed');
    }
  });
});

test('what does not fit is named with its path', () => {
  const Inner = Type.Object({ c: Type.Integer(), 'x/y': Type.Optional(Type.Null()) }, { additionalProperties: false });
  const read = jsonReader(
    'thing',
    Type.Object({ a: Type.Boolean(), list: Type.Array(Inner) }, { additionalProperties: false }),
  );
  assert.deepEqual(read('{"a":true,"list":[{"c":1}]}'), { a: true, list: [{ c: 1 }] });
  const cases: [string, RegExp][] = [
    ['{"a":1,"list":[]}', /^thing: a: must be boolean$/],
    ['{"a":true,"list":[{"c":1},{"c":"1"}]}', /^thing: list\.1\.c: must be integer$/],
    ['{"a":true,"list":[],"bogus":1}', /^thing: bogus: there is no such member$/],
    ['{"a":true,"list":[{"c":1,"d":2}]}', /^thing: list\.0\.d: there is no such member$/],
    ['{"a":true,"list":[{"c":1,"x/y":2}]}', /^thing: list\.0\.x\/y: must be null$/],
    ['{"list":[]}', /^thing: \(root\): must have required properties a$/],
    ['[]', /^thing: \(root\): must be object$/],
  ];
  for (const [text, message] of cases) assert.throws(() => read(text), problem('input.invalid', message), text);
});

test('what is no JSON is not quoted: it may hold a secret', () => {
  for (const text of [`{"password":'hunter2'}`, `{"password":"hunter2",}`, `{"password":"hunter2"`, 'hunter2']) {
    assert.throws(
      () => parseJson('test', text),
      (error: Problem) => !`${error.stack} ${error.cause}`.includes('hunter'),
      text,
    );
  }
});
