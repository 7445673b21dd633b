import type { Secret } from '@vouchsafe/bytes/secret';
import { LuksError } from './error.ts';
import {
  firstSlotSector,
  headerSize,
  keySlots,
  payloadSector,
  saltSize,
  slotSectors,
  stripes,
  volumeKeySize,
} from './layout.ts';
import { encodePhdr, isUuid, type KeySlot, type Phdr } from './phdr.ts';
import { checkIterations, digestOf, materialRange, type Random, sealSlot } from './slot.ts';
import { xtsKeys } from './xts.ts';

/** What a new header is made of. */
export interface NewHeader {
  /** 64 bytes, two unlike halves: becomes the key of the disk itself. */
  readonly volumeKey: Secret;
  /** Opens key slot 0. QEMU wants UTF-8: use the base64url text of 32 random or derived bytes. */
  readonly passphrase: Secret;
  readonly uuid: string;
  /** PBKDF2 rounds, 1000..2,000,000. 1000 are enough for a passphrase of 256 bits of entropy. */
  readonly iterations: number;
  readonly random: Random;
}

/**
 * A LUKS1 header (aes, xts-plain64, sha256) with one enabled key slot, laid out as QEMU does it: the 2,068,480 bytes
 * that stand before the encrypted data.
 * @throws {LuksError} `key.size`, `key.halves-equal`, `passphrase.empty`, `uuid.malformed`, `iterations.range`
 */
export function createHeader(given: NewHeader): Uint8Array<ArrayBuffer> {
  const { volumeKey, passphrase, uuid, iterations, random } = given;
  xtsKeys(volumeKey);
  checkIterations(iterations);
  if (!isUuid(uuid)) throw new LuksError('uuid.malformed', `not a UUID: ${JSON.stringify(uuid)}`);
  const phdr = newPhdr(given);
  const slot: KeySlot = {
    ...phdr.keySlots[0]!,
    active: 'enabled',
    passwordIterations: iterations,
    passwordSalt: random(saltSize),
  };
  phdr.keySlots[0] = slot;
  const header = new Uint8Array(headerSize);
  header.set(encodePhdr(phdr));
  header.set(sealSlot(slot, volumeKey, passphrase, random), materialRange(slot)[0]);
  return header;
}

function newPhdr({ volumeKey, uuid, iterations, random }: NewHeader): Phdr {
  const mkDigestSalt = random(saltSize);
  return {
    magic: undefined,
    version: 1,
    cipherName: 'aes',
    cipherMode: 'xts-plain64',
    hashSpec: 'sha256',
    payloadOffset: payloadSector,
    keyBytes: volumeKeySize,
    mkDigest: volumeKey.use((bytes) => digestOf(bytes, mkDigestSalt, iterations)),
    mkDigestSalt,
    mkDigestIterations: iterations,
    uuid,
    keySlots: Array.from({ length: keySlots }, (_, i) => disabledSlot(firstSlotSector + i * slotSectors)),
  };
}

/** A slot without a key; it keeps its place. */
export function disabledSlot(keyMaterialOffset: number): KeySlot {
  return {
    active: 'disabled',
    passwordIterations: 0,
    passwordSalt: new Uint8Array(saltSize),
    keyMaterialOffset,
    stripes,
  };
}
