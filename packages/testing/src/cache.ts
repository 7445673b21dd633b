import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** The folder for what is fetched or made once: `$VOUCHSAFE_CACHE`, else `.cache` in the repository. */
export const cacheFolder = (): string =>
  resolve(process.env.VOUCHSAFE_CACHE ?? join(import.meta.dirname, '../../../.cache'));

/**
 * A folder of the cache, filled on first use. Filling happens beside it and the whole is renamed into place, so that
 * a folder is there complete or not at all, also when two processes fill it at once.
 * @param path below the cache folder
 */
export async function cached(path: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const target = join(cacheFolder(), path);
  if (existsSync(target)) return target;
  await mkdir(dirname(target), { recursive: true });
  const beside = await mkdtemp(`${target}.part-`);
  try {
    await fill(beside);
    await chmod(beside, 0o755);
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    if (!(await filled(target))) throw error;
  }
  return target;
}

const filled = async (folder: string): Promise<boolean> => existsSync(folder) && (await readdir(folder)).length > 0;
