import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import type { Sealer } from '@vouchsafe/store/seal';

/** Something sealed, by which the key of the store is known again. */
export const newProbe = (sealer: Sealer): Uint8Array => sealer.seal('seal probe', Secret.take(Uint8Array.of(1)));

/** @throws {Problem} `root-key.unopened` */
export function checkProbe(sealer: Sealer, sealed: Uint8Array, fault: string): void {
  try {
    sealer.open('seal probe', sealed)[Symbol.dispose]();
  } catch (cause) {
    throw new Problem('root-key.unopened', `${fault}, which was made with another key`, { cause });
  }
}
