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

/** Calls `f` with `runs` seeded mutations of the samples: changed, cut, repeated and inserted bytes. */
export function mutations(
  samples: readonly Uint8Array[],
  seed: number,
  runs: number,
  f: (bytes: Uint8Array, run: number) => void,
): void {
  const random = seeded(seed);
  const below = (n: number) => Math.floor(random() * n);
  for (let run = 0; run < runs; run++) {
    let bytes = (samples[below(samples.length)] ?? new Uint8Array()).slice();
    for (let edits = 1 + below(4); edits > 0; edits--) bytes = mutate(bytes, below);
    f(bytes, run);
  }
}

const edges = [0, 1, 0x7f, 0x80, 0xff];

function mutate(bytes: Uint8Array<ArrayBuffer>, below: (n: number) => number): Uint8Array<ArrayBuffer> {
  const at = below(bytes.length + 1);
  switch (below(5)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(below(at + 1))]);
    case 2:
      return new Uint8Array([...bytes.subarray(0, at), edges[below(edges.length)]!, ...bytes.subarray(at)]);
    case 3:
      if (at < bytes.length) bytes[at] = edges[below(edges.length)]!;
      return bytes;
    default:
      if (at < bytes.length) bytes[at]! ^= 1 << below(8);
      return bytes;
  }
}
