import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { Secret } from '@vouchsafe/bytes/secret';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { type KeySafePart, type OpenKek, type PlainPart, writeKeySafe } from '@vouchsafe/domain/keys/key-safe';
import { passphraseOf } from '@vouchsafe/domain/keys/passphrase';
import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { KeyReference } from '@vouchsafe/domain/keys/reference';
import { Problem, type ProblemKind } from '@vouchsafe/domain/problem';
import type { Disk } from '@vouchsafe/domain/profile/description';
import { withEncryption } from '@vouchsafe/domain/profile/edit';
import { encryptImage } from '@vouchsafe/luks/encrypt';
import { LuksError, type LuksErrorCode } from '@vouchsafe/luks/error';
import type { WorkerCode } from '@vouchsafe/luks/pool';
import type { ConfigStore } from '@vouchsafe/store/config-store';
import { changed, failed } from '../management/recorded.ts';
import { isWritable, luksUuidOf } from './disk-check.ts';
import { type ReadDomain, readDomain } from './domain-xml.ts';
import type { LibvirtLink } from './libvirt-link.ts';
import { type BoundSafe, openKeks, openParts, safeOf } from './opened-safe.ts';
import { defineSealed, shutOffDomain } from './sealed-domain.ts';
import { readSidecar, sidecarOf, writeSidecar } from './sidecar.ts';
import type { VmKeys } from './vm-keys.ts';
import type { VmLocks } from './vm-lock.ts';

/** PBKDF2 rounds: the passphrase has 256 bits of entropy, so there is nothing to stretch. */
const iterations = 1000;

export interface VmEncryptInput {
  readonly libvirt: LibvirtLink;
  readonly locks: VmLocks;
  readonly vmKeys: VmKeys;
  readonly store: ConfigStore;
  readonly audit: (entry: AuditEntry) => void;
  readonly providerOf: (reference: KeyReference) => KeyProvider;
  /** Threads for the conversion and where their code is. */
  readonly workers: number;
  readonly worker: WorkerCode | undefined;
}

export interface EncryptOrder {
  /** Name or UUID of the domain. */
  readonly vm: string;
  /** Targets; all plain writable disks when empty. */
  readonly disks: readonly string[];
  readonly provider: KeyProvider;
  readonly old: 'unlink' | 'overwrite' | 'keep';
  readonly signal: AbortSignal;
}

/** What is told while it goes on. */
export type EncryptProgress =
  | { readonly step: 'keys' | 'define' | 'done'; readonly vm: string }
  | {
      readonly step: 'disk';
      readonly disk: string;
      readonly path: string;
      readonly done: number;
      readonly total: number;
    };

/** A disk on its way: what the domain says of it, and its keys. */
interface Work {
  readonly disk: Disk & { readonly source: NonNullable<Disk['source']> };
  readonly part: PlainPart;
}

/**
 * Encrypts disks of a VM that is shut off. The order protects the data: the wrapped keys are durable beside the disk
 * before the first byte is encrypted, the old image goes last, and the domain is read back. Killed at any moment, the
 * same call again goes on where it was.
 */
export async function encryptVm(
  order: EncryptOrder,
  input: VmEncryptInput,
  tell: (progress: EncryptProgress) => void,
): Promise<void> {
  const read = await shutOffDomain(order.vm, input.libvirt);
  const { uuid, name } = read.domain;
  await input.locks.alone(uuid, 'an encryption', async () => {
    try {
      await encrypt(read, order, input, tell);
    } catch (error) {
      input.audit(failed(changed('vm.encrypt', 'vm', uuid, { name }), error));
      throw error;
    }
  });
}

async function encrypt(
  read: ReadDomain,
  order: EncryptOrder,
  input: VmEncryptInput,
  tell: (progress: EncryptProgress) => void,
): Promise<void> {
  const vm = read.domain.name;
  if (read.domain.keysafe !== undefined) {
    await refuseLeaving(read, order.provider, input);
    throw new Problem(
      'object.exists',
      `domain ${vm} has a key safe already; adding disks to it comes with \`vm disk add\``,
    );
  }
  const disks = chooseDisks(read, order.disks);
  tell({ step: 'keys', vm });
  const { keysafe, works, xml } =
    (await resume(read, disks, order, input)) ?? (await begin(read, disks, order.provider));
  try {
    input.store.putState(begun, read.domain.uuid, digestOf(keysafe));
    for (const { disk } of works) writeSidecar(disk.source.name, keysafe);
    for (const work of works) await convert(work, order, input, tell);
    tell({ step: 'define', vm });
    input.vmKeys.remember(await defineSealed(withEncryption(xml, { disks: [], keysafe }), input.libvirt));
  } finally {
    for (const { part } of works) part.dek[Symbol.dispose]();
  }
  input.audit(record(read, keysafe, works));
  input.store.deleteState(begun, read.domain.uuid);
  tell({ step: 'done', vm });
}

/**
 * Another provider for a VM that is encrypted already: the old provider has to allow it, and then it takes new data keys.
 * The old ones under a KEK of the new provider would hand all that was ever written to whoever knows that KEK.
 * @throws {Problem} `key.use-forbidden`, `provider.leave-shallow`
 */
export async function refuseLeaving(
  read: ReadDomain,
  provider: KeyProvider,
  { vmKeys, providerOf }: Pick<VmEncryptInput, 'vmKeys' | 'providerOf'>,
): Promise<void> {
  const bound = safeOf(read, vmKeys.seen(read.domain.uuid)?.gen);
  const left = bound.safe.keks.find(({ prv }) => prv !== provider.id);
  if (left === undefined) return;
  await openKeks(bound, 'leave', providerOf);
  throw new Problem(
    'provider.leave-shallow',
    `domain ${read.domain.name} has its data keys from ${left.kind} provider ${left.prv}; they are not wrapped by another`,
  );
}

/** @throws {Problem} `input.invalid` naming the disk and why it cannot be encrypted */
function chooseDisks({ domain }: ReadDomain, wanted: readonly string[]): Work['disk'][] {
  for (const target of wanted) {
    if (!domain.disks.some((disk) => disk.target === target))
      throw new Problem('input.invalid', `disks: domain ${domain.name} has no disk ${target}`);
  }
  const plain = domain.disks.filter((disk) => isWritable(disk) && disk.encrypted === undefined);
  const chosen = wanted.length === 0 ? plain : plain.filter(({ target }) => wanted.includes(target));
  const left = wanted.filter((target) => !chosen.some((disk) => disk.target === target));
  if (left.length > 0 || chosen.length === 0)
    throw new Problem(
      'input.invalid',
      `disks: ${left.join(', ') || 'none'} of domain ${domain.name} is a plain writable disk`,
    );
  const open = plain.filter((disk) => !chosen.includes(disk));
  if (open.length > 0)
    throw new Problem(
      'input.invalid',
      `disks: ${open.map(({ target }) => target).join(', ')} would stay plain and writable; such a domain does not start`,
    );
  return chosen.map(rawFile);
}

function rawFile(disk: Disk): Work['disk'] {
  if (disk.device !== 'disk')
    throw new Problem(
      'input.invalid',
      `${disk.target}: a ${disk.device} cannot be encrypted; make it <readonly/>, or detach it`,
    );
  if (disk.format !== 'raw')
    throw new Problem('input.invalid', `${disk.target}: format ${disk.format}, only raw files can be encrypted`);
  if (disk.source?.kind !== 'file') throw new Problem('input.invalid', `${disk.target}: not on a file`);
  return { ...disk, source: disk.source };
}

interface Prepared {
  readonly keysafe: string;
  readonly works: Work[];
  /** The domain as it will be, without key safe. */
  readonly xml: string;
}

async function begin(read: ReadDomain, disks: readonly Work['disk'][], provider: KeyProvider): Promise<Prepared> {
  const kek = await provider.generate();
  const works = disks.map(
    (disk): Work => ({ disk, part: { id: disk.target, kind: 'disk', luks: randomUUID(), kek: 0, dek: newDek() } }),
  );
  const xml = encryptedXml(read, works);
  const keks: OpenKek[] = [{ n: 0, reference: kek.reference, key: kek.key }];
  const bound = { v: 1, h: (await readDomain(xml)).hash } as const;
  const keysafe = await writeKeySafe({
    vm: read.domain.uuid,
    gen: 1,
    bound,
    keks,
    parts: works.map(({ part }) => part),
  });
  return { keysafe, works, xml };
}

/** State of this host: SHA-256 of the key safe of every encryption that is under way, by VM. */
const begun = 'encryptions';

const digestOf = (keysafe: string): string => createHash('sha256').update(keysafe).digest('hex');

/** Goes on with the keys of an interrupted encryption, which stand beside the first disk. */
export async function resume(
  read: ReadDomain,
  disks: readonly Work['disk'][],
  { provider }: Pick<EncryptOrder, 'provider'>,
  input: Pick<VmEncryptInput, 'store' | 'providerOf'>,
): Promise<Prepared | undefined> {
  const [first] = disks;
  const keysafe = first === undefined ? undefined : readSidecar(first.source.name);
  if (first === undefined || keysafe === undefined) return undefined;
  const bound = safeOf({ ...read, domain: { ...read.domain, keysafe } }, undefined);
  // Whoever knows a KEK can write a key safe for a disk that is still plain, and would then know its key.
  if (input.store.getState(begun, read.domain.uuid) !== digestOf(keysafe) && disks.some(isPlain(bound)))
    throw new Problem(
      'object.exists',
      `${sidecarOf(first.source.name)}: this host began no encryption with this key safe; take it away if no disk of domain ${read.domain.name} is encrypted with it`,
    );
  if (bound.safe.keks.some(({ prv }) => prv !== provider.id))
    throw new Problem('input.invalid', `provider: the interrupted encryption is one with ${bound.safe.keks[0]?.prv}`);
  // Before any key is open: nothing is left to wipe.
  const known = disks.map((disk) => ({ disk, part: knownPart(bound, disk) }));
  const deks = await openParts(bound.safe, await openKeks(bound, 'run', input.providerOf));
  const works = known.map(({ disk, part }): Work => ({ disk, part: { ...part, dek: deks.get(part.id)! } }));
  return { keysafe, works, xml: encryptedXml(read, works) };
}

const isPlain =
  (bound: BoundSafe) =>
  ({ target, source }: Work['disk']): boolean =>
    (luksUuidOf(source.name) ?? 'none') !== partOf(bound, target)?.luks;

function knownPart(bound: BoundSafe, { target }: Disk): KeySafePart {
  const part = partOf(bound, target);
  if (part === undefined)
    throw new Problem(
      'keysafe.invalid',
      `${target}: the interrupted encryption was of other disks; name the same ones`,
    );
  return part;
}

const partOf = ({ safe }: BoundSafe, target: string) => safe.parts.find(({ id }) => id === target);

const encryptedXml = ({ xml }: ReadDomain, works: readonly Work[]): string =>
  withEncryption(xml, { disks: works.map(({ disk, part }) => ({ target: disk.target, secretUuid: part.luks })) });

/** 64 bytes for XTS-AES-256; IEEE 1619 wants the two halves to differ. */
function newDek(): Secret {
  for (;;) {
    const bytes = new Uint8Array(randomBytes(64));
    if (!equalBytes(bytes.subarray(0, 32), bytes.subarray(32))) return Secret.take(bytes);
  }
}

async function convert(
  { disk, part }: Work,
  order: EncryptOrder,
  input: VmEncryptInput,
  tell: (progress: EncryptProgress) => void,
): Promise<void> {
  const path = disk.source.name;
  // Killed between the last rename and the definition of the domain: this disk is done.
  if (luksUuidOf(path) === part.luks) return;
  using passphrase = passphraseOf(part.dek, part.luks, 'luks');
  try {
    await encryptImage({
      source: path,
      into: { replace: order.old },
      volumeKey: part.dek,
      passphrase,
      uuid: part.luks,
      iterations,
      workers: input.workers,
      ...(input.worker === undefined ? {} : { worker: input.worker }),
      random: (size) => new Uint8Array(randomBytes(size)),
      onProgress: ({ done, total }) => tell({ step: 'disk', disk: disk.target, path, done, total }),
      signal: order.signal,
    });
  } catch (error) {
    throw asProblem(error);
  }
}

function asProblem(error: unknown): unknown {
  if (!(error instanceof LuksError)) return error;
  return new Problem(luksKinds[error.code] ?? 'disk.unexpected', error.message, { cause: error });
}

const luksKinds: Partial<Record<LuksErrorCode, ProblemKind>> = {
  'target.space': 'disk.full',
  'target.full': 'disk.full',
  'conversion.busy': 'disk.busy',
  'source.in-use': 'disk.busy',
};

function record({ domain }: ReadDomain, keysafe: string, works: readonly Work[]): AuditEntry {
  const disks = works.map(({ disk, part }) => ({ target: disk.target, luks: part.luks }));
  return changed('vm.encrypt', 'vm', domain.uuid, { name: domain.name, disks, keysafe: keysafe.length });
}
