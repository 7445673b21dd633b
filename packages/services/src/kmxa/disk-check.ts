import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { KeySafe, KeySafePart } from '@vouchsafe/domain/keys/key-safe';
import { Problem } from '@vouchsafe/domain/problem';
import type { Disk, DomainDescription } from '@vouchsafe/domain/profile/description';
import { inspectLuks } from '@vouchsafe/luks/inspect';

/** Disks, LUNs and floppies that the guest can write to: what it writes there must be encrypted. */
export const isWritable = ({ device, readonly, source }: Disk): boolean =>
  device !== 'cdrom' && !readonly && !(device === 'floppy' && source === undefined);

/**
 * Checks that the disks of a domain are those of its key safe, before any key is asked for.
 * @throws {Problem} `disk.not-encrypted`, `disk.unexpected`
 */
export function checkDisks({ disks }: DomainDescription, safe: KeySafe): void {
  for (const disk of disks) {
    const part = safe.parts.find(({ id, kind }) => kind === 'disk' && id === disk.target);
    if (disk.encrypted === undefined) {
      if (isWritable(disk))
        throw new Problem('disk.not-encrypted', `${disk.target}: a writable disk without encryption`);
      continue;
    }
    if (part === undefined) throw new Problem('disk.unexpected', `${disk.target}: the key safe has no key for it`);
    checkImage(disk, part);
  }
}

function checkImage(disk: Disk, part: KeySafePart): void {
  if (disk.encrypted?.secretUuid !== part.luks) {
    throw new Problem(
      'disk.unexpected',
      `${disk.target}: it names secret ${disk.encrypted?.secretUuid}, the key safe has ${part.luks}`,
    );
  }
  if (disk.format !== 'raw')
    throw new Problem('disk.unexpected', `${disk.target}: format ${disk.format}, expected raw`);
  if (disk.backing === 'named') throw new Problem('disk.unexpected', `${disk.target}: it has a backing file`);
  if (disk.source?.kind !== 'file' && disk.source?.kind !== 'block') return;
  const view = inspectLuks(firstBytes(disk.source.name, disk.target));
  if (view.format !== 'luks1' || !view.supported) {
    throw new Problem('disk.unexpected', `${disk.target}: ${view.problems.join('; ') || 'no LUKS image'}`);
  }
  if (view.header.uuid !== part.luks) {
    throw new Problem(
      'disk.unexpected',
      `${disk.target}: ${disk.source.name} has UUID ${view.header.uuid}, the key safe has ${part.luks}`,
    );
  }
}

/** A header and a little more; an image is on storage that others write to, so it may be anything. */
const headerBytes = 4096;

function firstBytes(path: string, target: string): Uint8Array {
  const bytes = new Uint8Array(headerBytes);
  try {
    // Not to hang on a named pipe, and every other VM with it.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return bytes.subarray(0, readSync(file, bytes, 0, headerBytes, 0));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw new Problem('disk.unexpected', `${target}: ${(cause as Error).message}`, { cause });
  }
}

/** The UUID in the LUKS1 header of an image that is whole; undefined when it is something else. */
export function luksUuidOf(path: string): string | undefined {
  try {
    const view = inspectLuks(firstBytes(path, path));
    return view.format === 'luks1' ? view.header.uuid : undefined;
  } catch {
    return undefined;
  }
}
