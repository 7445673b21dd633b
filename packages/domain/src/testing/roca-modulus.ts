import { checkPrimeSync } from 'node:crypto';
import { fromHex } from '@vouchsafe/bytes/hex';

/** The product of the first 126 primes, as the broken generator has it for keys of 2048 bits (CCS 2017, table 1). */
const primorial = firstPrimes(126).reduce((product, prime) => product * prime, 1n);

function firstPrimes(count: number): bigint[] {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0n)) primes.push(n);
  return primes;
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** A prime of 1024 bits in the form of that generator: k times the product, plus a power of 65537. */
function weakPrime(a: bigint): bigint {
  const residue = power(65537n, a, primorial);
  for (let k = (3n << 1022n) / primorial + a; ; k++)
    if (checkPrimeSync(k * primorial + residue)) return k * primorial + residue;
}

const bytesOf = (n: bigint): Uint8Array => {
  const text = n.toString(16);
  return fromHex(text.padStart(text.length + (text.length % 2), '0'));
};

/** A modulus of 2048 bits as the broken generator makes them (CVE-2017-15361). */
export const rocaModulus = (): Uint8Array => bytesOf(weakPrime(1234567n) * weakPrime(7654321n));
