import type { Secret } from '@vouchsafe/bytes/secret';
import { convert } from './convert.ts';
import { createHeader } from './create.ts';
import { LuksError } from './error.ts';
import { writeAt } from './file.ts';
import { headerSize } from './layout.ts';
import { openHeader } from './open.ts';
import { decodeHeader } from './phdr.ts';
import { isVolumeKey } from './slot.ts';
import { plainSize, readHeader } from './source.ts';
import type { Converted, ConvertOptions, Way } from './task.ts';
import { xtsKeys } from './xts.ts';

/** What encrypting an image needs. To go on after a crash the same keys are needed again: nothing of them is stored. */
export interface EncryptOptions extends ConvertOptions {
  /** 64 bytes, two unlike halves: the key of the disk. */
  readonly volumeKey: Secret;
  /** Opens the image; base64url text, see `createHeader`. */
  readonly passphrase: Secret;
  readonly uuid: string;
  /** PBKDF2 rounds, 1000..2,000,000. */
  readonly iterations: number;
}

/**
 * Encrypts a plain raw image into a LUKS1 image, as `convert` says.
 * @throws {LuksError} with the code of what is wrong; the image is then as it was
 */
export async function encryptImage(options: EncryptOptions): Promise<Converted> {
  // Made first: what is wrong with the keys shall be said before any file is touched.
  const header = createHeader(options);
  const way: Way = {
    direction: 'encrypt',
    plan: (source, path) => ({
      source,
      sourceStart: 0,
      targetStart: headerSize,
      size: plainSize(path, source),
      keys: xtsKeys(options.volumeKey),
    }),
    begin: (copy) => writeAt(copy, header, 0),
    confirm: (copy) => confirmHeader(readHeader(copy), options),
  };
  return await convert(way, options);
}

function confirmHeader(header: Uint8Array, { volumeKey, passphrase, uuid }: EncryptOptions): void {
  const phdr = decodeHeader(header);
  if (phdr.uuid !== uuid || !isVolumeKey(phdr, volumeKey))
    throw new LuksError('key.wrong', `the unfinished copy was begun with another key or uuid (its uuid: ${phdr.uuid})`);
  using opened = openHeader(header, passphrase);
  if (opened === undefined)
    throw new LuksError('passphrase.wrong', 'the unfinished copy was begun with another passphrase');
}
