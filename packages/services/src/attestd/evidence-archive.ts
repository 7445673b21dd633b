import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from '@vouchsafe/domain/problem';
import { makeFolder } from '../config/make-folder.ts';

/** What became of evidence. `unproven` was refused before it had shown which TPM it came from. */
export type KeptVerdict = 'trusted' | 'refused' | 'unproven';

/** A kept bundle, as its file's name says. */
export interface KeptBundle {
  /** `evidenceDigest` of it. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly verdict: KeptVerdict;
  /** SHA-256 of the endorsement key. */
  readonly ek: string;
  /** `policyDigest` of its policy. */
  readonly policy: string;
  /** Bytes on the disk. */
  readonly size: number;
}

export interface ArchiveLimits {
  readonly bytes: number;
  /** Of those that anybody could have sent. */
  readonly unprovenBytes: number;
  /** ISO 8601: older ones go. */
  readonly since: string;
}

const names =
  /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.(trusted|refused|unproven)\.([0-9a-f]{64})\.([\w-]{43})\.([\w-]{43})\.json\.gz$/;

/**
 * Evidence bundles in a folder, one file each, with the policies that they name beside them, each stored once. Files
 * come into being whole: written, synced, renamed. The files' names are the index.
 */
export class EvidenceArchive {
  readonly #bundles: string;
  readonly #policies: string;
  /** Oldest first. */
  readonly #kept: KeptBundle[];

  private constructor(bundles: string, policies: string, kept: KeptBundle[]) {
    this.#bundles = bundles;
    this.#policies = policies;
    this.#kept = kept;
  }

  /** @throws {Problem} `file.unreadable` */
  static open(folder: string): EvidenceArchive {
    const [bundles, policies] = [join(folder, 'bundles'), join(folder, 'policies')];
    for (const each of [bundles, policies]) {
      makeFolder(each);
      // What a crash left half written.
      for (const name of readdirSync(each)) if (name.endsWith('.tmp')) rmSync(join(each, name));
    }
    const kept = readdirSync(bundles).flatMap((name) => bundleOf(name, bundles));
    return new EvidenceArchive(bundles, policies, kept.toSorted(byTime));
  }

  /** Newest first. */
  list(): KeptBundle[] {
    return this.#kept.toReversed();
  }

  has(policy: string): boolean {
    return existsSync(this.#policyFile(policy));
  }

  async putPolicy(policy: string, packed: Uint8Array): Promise<void> {
    await writeWhole(this.#policyFile(policy), packed);
  }

  async put(bundle: Omit<KeptBundle, 'size'>, packed: Uint8Array): Promise<void> {
    const name = nameOf(bundle);
    await writeWhole(join(this.#bundles, name), packed);
    const same = this.#kept.findLastIndex((each) => nameOf(each) === name);
    if (same >= 0) this.#kept.splice(same, 1);
    const last = this.#kept.findLastIndex(({ time }) => time <= bundle.time);
    this.#kept.splice(last + 1, 0, { ...bundle, size: packed.length });
  }

  /** @throws {Problem} `file.unreadable` */
  read(bundle: KeptBundle): { readonly packed: Uint8Array; readonly policy: Uint8Array } {
    return { packed: readFile(join(this.#bundles, nameOf(bundle))), policy: readFile(this.#policyFile(bundle.policy)) };
  }

  /** Deletes what is too old or too much, the oldest first, and the policies that nothing names any more. */
  prune({ bytes, unprovenBytes, since }: ArchiveLimits): void {
    const total = { all: 0, unproven: 0 };
    for (const bundle of this.#kept.toReversed()) {
      const unproven = bundle.verdict === 'unproven';
      total.all += bundle.size;
      if (unproven) total.unproven += bundle.size;
      const stays = bundle.time >= since && total.all <= bytes && (!unproven || total.unproven <= unprovenBytes);
      if (!stays) this.#delete(bundle, total, unproven);
    }
    const named = new Set(this.#kept.map(({ policy }) => policy));
    for (const name of readdirSync(this.#policies)) {
      if (!named.has(name.slice(0, 43))) rmSync(join(this.#policies, name), { force: true });
    }
  }

  #delete(bundle: KeptBundle, total: { all: number; unproven: number }, unproven: boolean): void {
    rmSync(join(this.#bundles, nameOf(bundle)), { force: true });
    this.#kept.splice(this.#kept.indexOf(bundle), 1);
    total.all -= bundle.size;
    if (unproven) total.unproven -= bundle.size;
  }

  #policyFile(policy: string): string {
    return join(this.#policies, `${policy}.json.gz`);
  }
}

const byTime = (a: KeptBundle, b: KeptBundle) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0);

const nameOf = ({ time, verdict, ek, id, policy }: Omit<KeptBundle, 'size'>): string =>
  `${time.replace(/[-:]|\.\d+/g, '')}.${verdict}.${ek}.${id}.${policy}.json.gz`;

function bundleOf(name: string, folder: string): KeptBundle[] {
  const [, year, month, day, hour, minute, second, verdict, ek = '', id = '', policy = ''] = names.exec(name) ?? [];
  if (year === undefined) return [];
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  return [{ id, time, verdict: verdict as KeptVerdict, ek, policy, size: statSync(join(folder, name)).size }];
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Problem('file.unreadable', `${path}: ${(cause as Error).message}`, { cause });
  }
}
