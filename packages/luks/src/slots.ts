import type { Secret } from '@vouchsafe/bytes/secret';
import { disabledSlot } from './create.ts';
import { LuksError } from './error.ts';
import { saltSize } from './layout.ts';
import { decodeWholeHeader } from './open.ts';
import { encodePhdr, type KeySlot, type Phdr } from './phdr.ts';
import { checkIterations, isVolumeKey, materialRange, type Random, sealSlot } from './slot.ts';

/** What a further key slot is made of. */
export interface NewSlot {
  readonly volumeKey: Secret;
  readonly passphrase: Secret;
  readonly iterations: number;
  readonly random: Random;
}

/**
 * The header with one more passphrase, in the first free key slot.
 * @throws {DecodeError} when the bytes are no header that this package handles
 * @throws {LuksError} `key.wrong`, `slot.none-free`, `passphrase.empty`, `iterations.range`
 */
export function addSlot(header: Uint8Array, { volumeKey, passphrase, iterations, random }: NewSlot): Uint8Array {
  const phdr = decodeWholeHeader(header);
  checkIterations(iterations);
  if (!isVolumeKey(phdr, volumeKey)) throw new LuksError('key.wrong', 'the volume key is not the one of this header');
  const index = phdr.keySlots.findIndex((slot) => slot.active === 'disabled');
  if (index < 0) throw new LuksError('slot.none-free', 'all 8 key slots are in use; remove one first');
  const slot: KeySlot = {
    ...phdr.keySlots[index]!,
    active: 'enabled',
    passwordIterations: iterations,
    passwordSalt: random(saltSize),
  };
  return replaced(header, phdr, index, slot, sealSlot(slot, volumeKey, passphrase, random));
}

/**
 * The header without one passphrase; its key material is overwritten with random bytes. The last one stays: without it
 * the disk could be opened by the volume key alone.
 * @param index 0..7
 * @throws {DecodeError} when the bytes are no header that this package handles
 * @throws {LuksError} `slot.inactive`, `slot.last`
 */
export function removeSlot(header: Uint8Array, index: number, random: Random): Uint8Array {
  const phdr = decodeWholeHeader(header);
  const slot = phdr.keySlots[index];
  if (slot?.active !== 'enabled') throw new LuksError('slot.inactive', `key slot ${index} is not in use`);
  if (phdr.keySlots.filter(({ active }) => active === 'enabled').length === 1)
    throw new LuksError('slot.last', `key slot ${index} is the last one in use; add another first`);
  const [start, end] = materialRange(slot);
  return replaced(header, phdr, index, disabledSlot(slot.keyMaterialOffset), random(end - start));
}

function replaced(header: Uint8Array, phdr: Phdr, index: number, slot: KeySlot, material: Uint8Array): Uint8Array {
  const out = header.slice();
  out.set(encodePhdr({ ...phdr, keySlots: phdr.keySlots.with(index, slot) }));
  out.set(material, materialRange(slot)[0]);
  return out;
}
