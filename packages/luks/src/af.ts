import { hash } from 'node:crypto';
import { stripes } from './layout.ts';

const hashSize = 32;

/**
 * LUKS1, section 2.4, AFsplit with sha256: spreads a key over 4000 stripes of its size so that losing any bit of them
 * loses the key.
 * @param random gives fresh random bytes
 */
export function afSplit(key: Uint8Array, random: (size: number) => Uint8Array): Uint8Array<ArrayBuffer> {
  const split = new Uint8Array(key.length * stripes);
  const last = split.length - key.length;
  split.set(random(last));
  const state = absorb(split.subarray(0, last), key.length);
  split.set(state, last);
  xorInto(split.subarray(last), key);
  state.fill(0);
  return split;
}

/** LUKS1, section 2.4, AFmerge: the key of its stripes. */
export function afMerge(split: Uint8Array): Uint8Array<ArrayBuffer> {
  const size = split.length / stripes;
  const key = absorb(split.subarray(0, split.length - size), size);
  xorInto(key, split.subarray(split.length - size));
  return key;
}

function absorb(blocks: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const state = new Uint8Array(size);
  const numbered = new Uint8Array(4 + hashSize);
  for (let at = 0; at < blocks.length; at += size) {
    xorInto(state, blocks.subarray(at, at + size));
    diffuse(state, numbered);
  }
  numbered.fill(0);
  return state;
}

/** LUKS1, section 2.4, H1: every hash-sized piece is replaced by the hash of its number and itself. */
function diffuse(state: Uint8Array, numbered: Uint8Array): void {
  for (let at = 0, i = 0; at < state.length; at += hashSize, i++) {
    numbered[3] = i;
    numbered.set(state.subarray(at, at + hashSize), 4);
    state.set(hash('sha256', numbered, 'buffer'), at);
  }
}

function xorInto(target: Uint8Array, other: Uint8Array): void {
  for (let i = 0; i < target.length; i++) target[i]! ^= other[i]!;
}
