import { closeSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import type { EncryptOptions } from '../encrypt.ts';
import { sampleKeys, sampleUuid, seededBytes } from './sample.ts';

/** Writes a raw image: random bytes, then a hole, then a marker in the last sector. */
export function makeImage(path: string, size: number, seed = 1): string {
  const file = openSync(path, 'w');
  const random = Buffer.from(seededBytes(seed)(Math.min(size, 3 << 19)));
  writeSync(file, random, 0, random.length, 0);
  writeSync(file, marker, size - 512);
  closeSync(file);
  truncateSync(path, size);
  return path;
}

export const marker = 'the marker of the plain image';

export const holdsMarker = (path: string): boolean => readFileSync(path).includes(marker);

/** Options for a test: keys of `seed`, one worker. */
export function sampleOptions(source: string, into: EncryptOptions['into'], seed = 1): EncryptOptions {
  const random = seededBytes(seed + 1);
  return { source, into, ...sampleKeys(seed), uuid: sampleUuid, iterations: 1000, workers: 1, random };
}
