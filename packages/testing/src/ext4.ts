import { must } from './command.ts';

/**
 * Makes an image file with an ext4 file system that holds the contents of a folder; nothing is mounted.
 * @param sizeMiB size of the image in MiB
 */
export async function makeExt4(image: string, folder: string, sizeMiB: number): Promise<void> {
  await must(['truncate', '-s', `${sizeMiB}M`, image]);
  await must(['mke2fs', '-q', '-F', '-t', 'ext4', '-m', '0', '-E', 'root_owner=0:0', '-d', folder, image]);
}
