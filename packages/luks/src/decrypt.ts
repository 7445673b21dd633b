import type { Secret } from '@vouchsafe/bytes/secret';
import { convert } from './convert.ts';
import { LuksError } from './error.ts';
import { sectorSize } from './layout.ts';
import { openHeader } from './open.ts';
import { luksSource } from './source.ts';
import type { Converted, ConvertOptions, Plan, Way } from './task.ts';
import { xtsKeys } from './xts.ts';

/** What decrypting an image needs. */
export interface DecryptOptions extends ConvertOptions {
  /** Opens one of the image's key slots. */
  readonly passphrase: Secret;
}

/**
 * Decrypts a LUKS1 image into a plain raw image, as `convert` says.
 * @throws {DecodeError} when the image is none that this package handles
 * @throws {LuksError} with the code of what is wrong; the image is then as it was
 */
export async function decryptImage(options: DecryptOptions): Promise<Converted> {
  const way: Way = {
    direction: 'decrypt',
    plan: (source, path) => planOf(source, path, options.passphrase),
    // A plain image has nothing before its data: the passphrase proves itself on the source.
    begin: () => undefined,
    confirm: () => undefined,
  };
  return await convert(way, options);
}

function planOf(source: number, path: string, passphrase: Secret): Plan {
  const { header, phdr, size } = luksSource(path, source);
  using volumeKey = openHeader(header, passphrase);
  if (volumeKey === undefined) throw new LuksError('passphrase.wrong', `${path}: the passphrase opens no key slot`);
  return { source, sourceStart: phdr.payloadOffset * sectorSize, targetStart: 0, size, keys: xtsKeys(volumeKey) };
}
