import { DatabaseSync } from 'node:sqlite';
import { namingFile } from './sqlite-fault.ts';

/**
 * Makes this process the sole owner of what stands beside the lock file, until it disposes of the lock or ends: the
 * kernel gives the lock back however a process ends. A predecessor that is on its way out is waited for.
 * @param wait milliseconds
 * @throws {Problem} `object.in-use` when another process owns it, `file.unreadable`, `disk.full`
 */
export function soleOwner(path: string, wait = 5000): Disposable {
  return namingFile(path, () => {
    const lock = new DatabaseSync(path, { timeout: wait });
    try {
      lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;');
    } catch (error) {
      lock.close();
      throw error;
    }
    return { [Symbol.dispose]: () => lock.close() };
  });
}
