import { DecodeError } from '@vouchsafe/bytes/reader';
import type { Secret } from '@vouchsafe/bytes/secret';
import { sectorSize } from './layout.ts';
import { decodeHeader, type Phdr } from './phdr.ts';
import { openSlot } from './slot.ts';

/**
 * The volume key of a LUKS1 header, or undefined when the passphrase opens no enabled key slot.
 * @param header the image's bytes before the data: `payloadOffset` sectors (more do no harm)
 * @throws {DecodeError} when the bytes are no header that this package handles, or are cut off
 */
export function openHeader(header: Uint8Array, passphrase: Secret): Secret | undefined {
  const phdr = decodeWholeHeader(header);
  for (const slot of phdr.keySlots) {
    const volumeKey = slot.active === 'enabled' ? openSlot(header, phdr, slot, passphrase) : undefined;
    if (volumeKey !== undefined) return volumeKey;
  }
  return undefined;
}

/** `decodeHeader`, and the key material must be there too. @throws {DecodeError} */
export function decodeWholeHeader(header: Uint8Array): Phdr {
  const phdr = decodeHeader(header);
  const size = phdr.payloadOffset * sectorSize;
  if (header.length < size)
    throw new DecodeError('LUKS_PHDR.payloadOffset', header.length, `need ${size} bytes of header and key material`);
  return phdr;
}
