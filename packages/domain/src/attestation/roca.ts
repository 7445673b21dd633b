import { hex } from '@vouchsafe/bytes/hex';

/**
 * The primes by which keys of the broken generator are told apart from others: of the first 39 primes those below which
 * the powers of 65537 leave out residues (M. Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, 2.3.2).
 */
const discriminants = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157] as const;

/** The residues that a modulus of that generator can have: the powers of 65537. */
const residues = discriminants.map((prime) => {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * 65537) % prime) powers.add(power);
  return { prime: BigInt(prime), powers };
});

/**
 * Whether an RSA modulus bears the fingerprint of CVE-2017-15361 (ROCA): keys made by Infineon's library of before 2017,
 * in TPMs too, whose private half follows from the public one. Of other keys about one in 2^27 bears it by chance.
 */
export function hasRocaFingerprint(modulus: Uint8Array): boolean {
  const n = BigInt(`0x${hex(modulus) || '0'}`);
  return n > 0n && residues.every(({ prime, powers }) => powers.has(Number(n % prime)));
}
