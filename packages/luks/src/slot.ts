import { pbkdf2Sync } from 'node:crypto';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { Secret } from '@vouchsafe/bytes/secret';
import { afMerge, afSplit } from './af.ts';
import { LuksError } from './error.ts';
import { digestSize, materialSectors, sectorSize, volumeKeySize } from './layout.ts';
import type { KeySlot, Phdr } from './phdr.ts';
import { Xts, xtsKeys } from './xts.ts';

/** Gives fresh random bytes. */
export type Random = (size: number) => Uint8Array;

/** Fewer PBKDF2 rounds than this LUKS1 does not allow. */
const minIterations = 1000;
const maxIterations = 2_000_000;

/** @throws {LuksError} `iterations.range` */
export function checkIterations(iterations: number): void {
  if (!Number.isInteger(iterations) || iterations < minIterations || iterations > maxIterations)
    throw new LuksError('iterations.range', `${iterations} iterations are not ${minIterations}..${maxIterations}`);
}

/** LUKS1, figure 3: the digest that tells the right volume key from others. */
export function digestOf(volumeKey: Uint8Array, salt: Uint8Array, iterations: number): Uint8Array {
  return pbkdf2Sync(volumeKey, salt, iterations, digestSize, 'sha256');
}

/** Whether the header belongs to this volume key (`mk-digest`). */
export function isVolumeKey(phdr: Phdr, volumeKey: Secret): boolean {
  return volumeKey.use((bytes) =>
    equalBytes(digestOf(bytes, phdr.mkDigestSalt, phdr.mkDigestIterations), phdr.mkDigest),
  );
}

/** LUKS1, figure 4: the volume key, split and encrypted under the passphrase: a slot's key material. */
export function sealSlot(slot: KeySlot, volumeKey: Secret, passphrase: Secret, random: Random): Uint8Array {
  if (passphrase.length === 0) throw new LuksError('passphrase.empty', 'the passphrase is empty');
  const material = volumeKey.use((bytes) => afSplit(bytes, random));
  withSlotCipher(slot, passphrase, (xts) => xts.encrypt(material, 0));
  return material;
}

/** LUKS1, figure 5: the volume key of one slot, or undefined when the passphrase is not the slot's. */
export function openSlot(header: Uint8Array, phdr: Phdr, slot: KeySlot, passphrase: Secret): Secret | undefined {
  const material = header.slice(...materialRange(slot));
  withSlotCipher(slot, passphrase, (xts) => xts.decrypt(material, 0));
  const candidate = Secret.take(afMerge(material));
  material.fill(0);
  if (isVolumeKey(phdr, candidate)) return candidate;
  candidate[Symbol.dispose]();
  return undefined;
}

/** First byte and end of a slot's key material. */
export function materialRange(slot: KeySlot): [start: number, end: number] {
  const start = slot.keyMaterialOffset * sectorSize;
  return [start, start + materialSectors * sectorSize];
}

function withSlotCipher(slot: KeySlot, passphrase: Secret, f: (xts: Xts) => void): void {
  using key = passphrase.use((bytes) =>
    Secret.take(pbkdf2Sync(bytes, slot.passwordSalt, slot.passwordIterations, volumeKeySize, 'sha256')),
  );
  using xts = new Xts(xtsKeys(key));
  f(xts);
}
