import assert from 'node:assert/strict';
import { createHash, generatePrimeSync } from 'node:crypto';
import { test } from 'node:test';
import { sharedFactors } from './common-factors.ts';

const prime = (bits = 256): bigint => generatePrimeSync(bits, { bigint: true });

test('of many moduli, those with a common factor are found, and no others', () => {
  const [p, q] = [prime(), prime()];
  const moduli = Array.from({ length: 40 }, () => prime() * prime());
  moduli[3] = p * prime();
  moduli[17] = p * prime();
  moduli[20] = q * prime();
  moduli[39] = moduli[20];
  assert.deepEqual(sharedFactors(moduli), [
    { moduli: [3, 17], same: false },
    { moduli: [20, 39], same: true },
  ]);
});

test('no modulus, one, two, and numbers that are no powers of two', () => {
  const [a, b] = [prime() * prime(), prime() * prime()];
  assert.deepEqual(sharedFactors([]), []);
  assert.deepEqual(sharedFactors([a]), []);
  assert.deepEqual(sharedFactors([a, b]), []);
  assert.deepEqual(sharedFactors([a, a]), [{ moduli: [0, 1], same: true }]);
  for (let n = 3; n < 12; n++) {
    const moduli = Array.from({ length: n }, () => prime(64) * prime(64));
    assert.deepEqual(sharedFactors(moduli), []);
    assert.equal(sharedFactors([...moduli, moduli[n - 1]!]).length, 1);
  }
});

test('a triangle of factors, in which no modulus has one of its own', () => {
  const [p, q, r] = [prime(), prime(), prime()];
  assert.deepEqual(
    sharedFactors([p * q, q * r, r * p]).map(({ moduli }) => moduli),
    [
      [0, 1],
      [0, 2],
      [1, 2],
    ],
  );
});

test('small numbers agree with comparing each with each', () => {
  const numbers = Array.from({ length: 60 }, (_, i) =>
    BigInt(2 + (createHash('sha256').update(String(i)).digest()[0] ?? 0)),
  );
  const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b));
  const expected = numbers.flatMap((a, i) => numbers.flatMap((b, j) => (i < j && gcd(a, b) > 1n ? [`${i} ${j}`] : [])));
  assert.deepEqual(
    sharedFactors(numbers).map(({ moduli }) => moduli.join(' ')),
    expected,
  );
});
