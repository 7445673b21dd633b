import { concat, fromHex } from './hex.ts';

/** Generators of hostile input for the tests of every parser. */

/** Calls `f` with every proper prefix. */
export function everyTruncation(bytes: Uint8Array, f: (cut: Uint8Array, length: number) => void): void {
  for (let length = 0; length < bytes.length; length++) f(bytes.slice(0, length), length);
}

/** Calls `f` with every copy that differs in one bit. */
export function everyBitFlip(bytes: Uint8Array, f: (flipped: Uint8Array, bit: number) => void): void {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    f(flipped, bit);
  }
}

/** A small seeded generator (mulberry32): the same seed gives the same run on every machine. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What mutants are made of. */
export interface Stock {
  readonly samples: readonly Uint8Array[];
  /** Words of the format, put in at random places: names, brackets, lengths. */
  readonly words?: readonly Uint8Array[];
}

/** Calls `f` with `runs` seeded mutations of the samples: changed, cut, repeated, inserted and foreign bytes. */
export function mutations(
  samples: readonly Uint8Array[],
  seed: number,
  runs: number,
  f: (bytes: Uint8Array, run: number) => void,
): void {
  for (let run = 0; run < runs; run++) f(mutant({ samples }, seed, run), run);
}

/** The mutant of one run: made again from seed and number alone, without those before it. */
export function mutant(stock: Stock, seed: number, run: number): Uint8Array<ArrayBuffer> {
  const random = seeded(seed ^ Math.imul(run + 1, 0x9e3779b1));
  const dice: Dice = { below: (n) => Math.floor(random() * n), stock };
  let bytes = sampleOf(dice).slice();
  for (let edits = 1 + dice.below(4); edits > 0; edits--) bytes = edit(bytes, dice);
  return bytes;
}

interface Dice {
  readonly below: (n: number) => number;
  readonly stock: Stock;
}

const sampleOf = ({ below, stock: { samples } }: Dice): Uint8Array =>
  samples[below(samples.length)] ?? new Uint8Array();

const edges = [0, 1, 0x7f, 0x80, 0xff];
/** Lengths and counts at their limits, in both byte orders. */
const wideEdges = ['0000', '0001', '0100', '7fff', 'ffff', '00000000', '00000001', '01000000', '7fffffff', 'ffffffff'];
const wide = wideEdges.map(fromHex);

type Edit = (bytes: Uint8Array<ArrayBuffer>, at: number, dice: Dice) => Uint8Array<ArrayBuffer>;

const overwritten = (bytes: Uint8Array<ArrayBuffer>, at: number, by: Uint8Array) =>
  concat(bytes.subarray(0, at), by, bytes.subarray(at + by.length));

const edits: readonly Edit[] = [
  (bytes, at) => bytes.slice(0, at),
  (bytes, at, { below }) => concat(bytes.subarray(0, at), bytes.subarray(below(at + 1))),
  (bytes, at, { below }) =>
    concat(bytes.subarray(0, at), Uint8Array.of(edges[below(edges.length)]!), bytes.subarray(at)),
  (bytes, at, { below }) => overwritten(bytes, at, Uint8Array.of(edges[below(edges.length)]!)),
  (bytes, at, { below }) => overwritten(bytes, at, Uint8Array.of((bytes[at] ?? 0) ^ (1 << below(8)))),
  (bytes, at, { below }) => overwritten(bytes, at, wide[below(wide.length)]!),
  (bytes, at, { below }) => concat(bytes.subarray(0, at), bytes.subarray(at + 1 + below(16))),
  (bytes, at, dice) => {
    const other = sampleOf(dice);
    return concat(bytes.subarray(0, at), other.subarray(dice.below(other.length + 1)));
  },
];

const wordEdits: readonly Edit[] = [
  (bytes, at, dice) => concat(bytes.subarray(0, at), wordOf(dice), bytes.subarray(at)),
  (bytes, at, dice) => overwritten(bytes, at, wordOf(dice)),
];

const wordOf = ({ below, stock: { words = [] } }: Dice): Uint8Array => words[below(words.length)] ?? new Uint8Array();

function edit(bytes: Uint8Array<ArrayBuffer>, dice: Dice): Uint8Array<ArrayBuffer> {
  const possible = dice.stock.words === undefined ? edits : [...edits, ...wordEdits];
  return possible[dice.below(possible.length)]!(bytes, dice.below(bytes.length + 1), dice);
}
