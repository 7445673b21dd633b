import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootsFolder, recordedBoots } from '@vouchsafe/testing/measured-boot/recorded-boot';

/** A file of each boot that is kept in the repository. */
export const ofRecordedBoots = (name: string): Uint8Array[] =>
  recordedBoots.map((boot) => readFileSync(join(bootsFolder, boot, name)));

/** Files of a folder under `$VOUCHSAFE_CORPUS` by the end of their names, the smaller ones; none when it is not set. */
export function ofCorpus(folder: string, ending: RegExp, limit = 128 * 1024): Uint8Array[] {
  const root = join(process.env.VOUCHSAFE_CORPUS ?? '/nonexistent', folder);
  if (!existsSync(root)) return [];
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).toSorted();
  const files = names.filter((name) => ending.test(name)).map((name) => readFileSync(join(root, name)));
  return files.filter(({ length }) => length <= limit);
}
