import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from './canonical-json.ts';

test('RFC 8785, 3.2.3: the example of sorting, and numbers and strings as ECMAScript writes them', () => {
  const names = { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7 };
  assert.deepEqual(Object.values(JSON.parse(canonicalJson(names))), [4, 2, 6, 7, 1, 5, 3]);
  assert.equal(canonicalJson([1e30, 4.5, 2e-3, 1e-27]), '[1e+30,4.5,0.002,1e-27]');
  assert.equal(canonicalJson('\u20ac$\u000F\u000aA\'"\\/'), '"€$\\u000f\\nA\'\\"\\\\/"');
});

test('order of members does not matter, order of elements does', () => {
  assert.equal(canonicalJson({ b: [1, { d: 1, c: null }], a: undefined }), '{"b":[1,{"c":null,"d":1}]}');
  assert.equal(canonicalJson({ b: 1, a: 2 }), canonicalJson({ a: 2, b: 1 }));
  assert.notEqual(canonicalJson([1, 2]), canonicalJson([2, 1]));
});

test('what is no JSON is refused, not left out', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1n, undefined, () => 1, Symbol('x')])
    assert.throws(() => canonicalJson([bad]), TypeError);
});
