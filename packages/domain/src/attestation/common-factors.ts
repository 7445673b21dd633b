/** Moduli that share a factor: whoever has both can compute both private keys. */
export interface SharedFactor {
  /** Places of the two moduli in the list. */
  readonly moduli: readonly [number, number];
  /** Whether they are one and the same number. */
  readonly same: boolean;
}

/**
 * Looks for factors that RSA moduli have in common, as random numbers of bad quality leave them: a product tree and a
 * remainder tree say in one go which of many have one (D. J. Bernstein, "How to find smooth parts of integers", 2004;
 * N. Heninger and others, "Mining your Ps and Qs", 2012), and only those are compared with one another.
 *
 * @param moduli positive numbers
 */
export function sharedFactors(moduli: readonly bigint[]): SharedFactor[] {
  const suspects = [...suspicious(moduli)];
  const found: SharedFactor[] = [];
  for (const [at, i] of suspects.entries()) {
    for (const j of suspects.slice(at + 1)) {
      const [a, b] = [moduli[i]!, moduli[j]!];
      if (gcd(a, b) > 1n) found.push({ moduli: [i, j], same: a === b });
    }
  }
  return found;
}

/** Places of the moduli that share a factor with the product of all others. */
function* suspicious(moduli: readonly bigint[]): Generator<number> {
  if (moduli.length < 2) return;
  const levels = productTree(moduli);
  let remainders = [levels.pop()![0]!];
  for (const level of levels.toReversed()) remainders = level.map((each, i) => remainders[i >> 1]! % (each * each));
  for (const [i, modulus] of moduli.entries()) {
    if (gcd(modulus, remainders[i]! / modulus) > 1n) yield i;
  }
}

/** From the numbers up to the product of all of them. */
function productTree(numbers: readonly bigint[]): bigint[][] {
  const levels = [[...numbers]];
  for (let level = levels[0]!; level.length > 1; levels.push(level)) {
    const below = level;
    level = Array.from({ length: Math.ceil(below.length / 2) }, (_, i) => below[2 * i]! * (below[2 * i + 1] ?? 1n));
  }
  return levels;
}

/** Greatest common divisor (Euclid); that of a number and 0 is the number. */
function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
