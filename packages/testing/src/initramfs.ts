import { gzipSync } from 'node:zlib';

/** What stands in an initial file system. A folder has neither contents nor target. */
export interface InitramfsEntry {
  readonly path: string;
  readonly contents?: string | Uint8Array;
  readonly executable?: boolean;
  /** Makes the entry a symbolic link. */
  readonly target?: string;
}

const modes = { folder: 0o040755, file: 0o100644, program: 0o100755, link: 0o120777 } as const;

/**
 * A gzip-compressed initial file system. Equal entries give equal bytes: no times, numbers in order.
 * Format: cpio "newc", Linux Documentation/driver-api/early-userspace/buffer-format.rst
 */
export function initramfs(entries: readonly InitramfsEntry[]): Uint8Array {
  const parts = entries.flatMap((entry, index) => member(index + 1, modeOf(entry), entry.path, bodyOf(entry)));
  return gzipSync(Buffer.concat([...parts, ...member(0, 0, 'TRAILER!!!', Buffer.alloc(0))]), { level: 9 });
}

function member(inode: number, mode: number, path: string, body: Buffer): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const links = mode === modes.folder ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, body.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  return [padded(Buffer.concat([Buffer.from(header), name])), padded(body)];
}

const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

function modeOf({ contents, executable, target }: InitramfsEntry): number {
  if (target !== undefined) return modes.link;
  if (contents === undefined) return modes.folder;
  return executable === true ? modes.program : modes.file;
}

const bodyOf = ({ contents, target }: InitramfsEntry): Buffer => Buffer.from(target ?? contents ?? '');
