import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import { type KeySafe, writeKeySafe } from '@vouchsafe/domain/keys/key-safe';
import type { KeyProvider } from '@vouchsafe/domain/keys/provider';
import type { KeyReference } from '@vouchsafe/domain/keys/reference';
import { Problem } from '@vouchsafe/domain/problem';
import { withEncryption } from '@vouchsafe/domain/profile/edit';
import { changed } from '../management/recorded.ts';
import type { ReadDomain } from './domain-xml.ts';
import type { LibvirtLink } from './libvirt-link.ts';
import { openKeks, openParts, safeOf } from './opened-safe.ts';
import { defineSealed, shutOffDomain } from './sealed-domain.ts';
import { writeSidecar } from './sidecar.ts';
import type { VmKeys } from './vm-keys.ts';
import type { VmLocks } from './vm-lock.ts';

export interface VmSealInput {
  readonly libvirt: LibvirtLink;
  readonly locks: VmLocks;
  readonly vmKeys: VmKeys;
  readonly audit: (entry: AuditEntry) => void;
  readonly providerOf: (reference: KeyReference) => KeyProvider;
}

/** What a seal changed, in words. */
export interface Sealed {
  readonly vm: string;
  readonly generation: number;
  readonly accepted: readonly string[];
}

/**
 * Accepts a wanted change of a VM: its key safe is written anew, one generation on, bound to the domain as it is now.
 * The disks must be the ones of the key safe; nothing of them is touched.
 */
export async function sealVm(vm: string, input: VmSealInput): Promise<Sealed> {
  const read = await shutOffDomain(vm, input.libvirt);
  return await input.locks.alone(read.domain.uuid, 'a seal', () => seal(read, input));
}

async function seal(read: ReadDomain, { libvirt, vmKeys, audit, providerOf }: VmSealInput): Promise<Sealed> {
  const { name, uuid } = read.domain;
  const bound = safeOf(read, vmKeys.seen(uuid)?.gen);
  if (bound.safe.bound.h === read.hash) throw new Problem('object.exists', `domain ${name} is sealed as it is`);
  const accepted = vmKeys.changesOf(read);
  const keks = await openKeks(bound, 'run', providerOf);
  const deks = await openParts(bound.safe, keks);
  try {
    const parts = bound.safe.parts.map(({ key: _key, ...part }) => ({ ...part, dek: deks.get(part.id)! }));
    const gen = bound.safe.gen + 1;
    const keysafe = await writeKeySafe({ vm: uuid, gen, bound: { v: 1, h: read.hash }, keks, parts });
    audit(changed('vm.seal', 'vm', uuid, { name, gen, accepted }));
    vmKeys.remember(await defineSealed(withEncryption(read.xml, { disks: [], keysafe }), libvirt));
    writeSidecars(read, bound.safe, keysafe);
    return { vm: name, generation: gen, accepted };
  } finally {
    for (const dek of deks.values()) dek[Symbol.dispose]();
  }
}

/** The copies beside the disks come last: the domain is what starts the VM. */
function writeSidecars({ domain }: ReadDomain, safe: KeySafe, keysafe: string): void {
  for (const disk of domain.disks) {
    if (disk.source?.kind === 'file' && safe.parts.some(({ id }) => id === disk.target))
      writeSidecar(disk.source.name, keysafe);
  }
}
