import { randomBytes } from 'node:crypto';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { fileSealer, type Sealer, sealerOf } from '@vouchsafe/store/seal';
import type { HostConfig } from '../config/host.ts';
import { readIfThere, wipe, writeSurely } from './key-file.ts';
import { openKey, sealKey } from './tpm-key-file.ts';

/** What protects the key of a part's store while the host is off. */
export type Seal = 'file' | 'tpm';

/** How the keys of a host's parts are to be sealed, and by which TPM. */
export interface SealChoice {
  readonly seal: Seal;
  /** TPM of this host; see `openTpm`. */
  readonly tpm: string | undefined;
}

/** What the configuration asks for: the TPM when it names one, unless it says otherwise. */
export function sealOf({ seal, tpm, agent }: Pick<HostConfig, 'seal' | 'tpm' | 'agent'>): SealChoice {
  return { seal: seal ?? (tpm === undefined ? 'file' : 'tpm'), tpm: tpm ?? agent?.tpm };
}

/** Where the key of a part lies: in the clear, or sealed by the TPM. */
export interface KeyPlace {
  readonly file: string;
  readonly sealed: string;
}

/** Steps after which a test may kill the process. */
export type Step = 'sealed' | 'written' | 'read back' | 'overwritten';

/**
 * The sealer of a part's store. When the configuration changed since the last start the key moves: it is written in its
 * new place, synced and read back before the old one is overwritten and removed. Whatever a crash leaves, the next start
 * finds the key in one of the two places.
 *
 * @throws {Problem} `seal.unopened`, `tpm.unavailable`, `config.invalid`, `file.unreadable`, `disk.full`
 */
export async function partSealer(
  place: KeyPlace,
  { seal, tpm }: SealChoice,
  reached: (step: Step) => void = () => undefined,
): Promise<Sealer> {
  for (const path of [place.file, place.sealed]) dropHalf(path);
  if (seal === 'tpm') {
    using key = await byTpm(place, needed(tpm, place), reached);
    return sealerOf(key);
  }
  await backToFile(place, tpm, reached);
  return fileSealer(place.file);
}

/** What a crash left half written, and a file that was overwritten but not removed. */
function dropHalf(path: string): void {
  if (readIfThere(`${path}.tmp`) !== undefined) wipe(`${path}.tmp`);
  const bytes = readIfThere(path);
  if (bytes !== undefined && bytes.length > 0 && isZero(bytes)) wipe(path);
  bytes?.fill(0);
}

async function byTpm({ file, sealed }: KeyPlace, tpm: string, reached: (step: Step) => void): Promise<Secret> {
  const there = readIfThere(sealed);
  if (there !== undefined) {
    const key = await openKey(tpm, sealed, there);
    removeOld(file, key, sealed, reached);
    return key;
  }
  using key = Secret.take(keyOf(file) ?? new Uint8Array(randomBytes(32)));
  const made = await sealKey(tpm, key);
  reached('sealed');
  writeSurely(sealed, made, () => reached('written'));
  const back = await openKey(tpm, sealed, readIfThere(sealed) ?? new Uint8Array());
  if (!same(key, back)) throw new Problem('seal.unopened', `${sealed}: it does not open to what was sealed`);
  reached('read back');
  removeOld(file, back, sealed, reached);
  return back;
}

/** Somebody no longer wants the TPM: the key comes back into its file, or nothing in the store would open. */
async function backToFile({ file, sealed }: KeyPlace, tpm: string | undefined, reached: (step: Step) => void) {
  const there = readIfThere(sealed);
  if (there === undefined) return;
  using key = await openKey(needed(tpm, { file, sealed }), sealed, there);
  const clear = readIfThere(file);
  if (clear === undefined) key.use((bytes) => writeSurely(file, bytes, () => reached('written')));
  using back = Secret.take(keyOf(file) ?? new Uint8Array());
  if (!same(key, back)) throw differ(file, sealed);
  reached('read back');
  wipe(sealed, () => reached('overwritten'));
}

function removeOld(file: string, key: Secret, sealed: string, reached: (step: Step) => void): void {
  const old = readIfThere(file);
  if (old === undefined) return;
  using clear = Secret.take(new Uint8Array(old));
  old.fill(0);
  if (!same(key, clear)) throw differ(file, sealed);
  wipe(file, () => reached('overwritten'));
}

function keyOf(file: string): Uint8Array | undefined {
  const bytes = readIfThere(file);
  if (bytes !== undefined && bytes.length !== 32)
    throw new Problem('file.unreadable', `${file}: expected 32 bytes of key, found ${bytes.length}`);
  return bytes;
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);
const same = (a: Secret, b: Secret): boolean => a.use((one) => b.use((other) => equalBytes(one, other)));

const differ = (file: string, sealed: string): Problem =>
  new Problem(
    'file.unreadable',
    `${file} and ${sealed} hold different keys: one of them comes from elsewhere; move it away`,
  );

function needed(tpm: string | undefined, { sealed }: KeyPlace): string {
  if (tpm !== undefined) return tpm;
  throw new Problem('config.invalid', `tpm: ${sealed} is sealed by the TPM of this host: name it in host.toml`);
}
