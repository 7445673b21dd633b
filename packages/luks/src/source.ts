import { closeSync, constants, fstatSync, openSync, realpathSync } from 'node:fs';
import { LuksError } from './error.ts';
import { readAt } from './file.ts';
import { phdrSize, sectorSize } from './layout.ts';
import { decodeWholeHeader } from './open.ts';
import { decodeHeader, type Phdr } from './phdr.ts';

/** The file's real path: names beside it must be beside the file itself, not beside a link to it. */
export function realSource(path: string): string {
  try {
    return realpathSync(path);
  } catch (cause) {
    throw new LuksError('source.missing', `${path}: cannot be found or read; check the path`, { cause });
  }
}

/** Opens a regular file for reading. @throws {LuksError} `source.missing`, `source.kind` */
export function openSource(path: string): number {
  const file = openOrSay(path);
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new LuksError('source.kind', `${path}: not a regular file; only raw image files are converted`);
}

function openOrSay(path: string): number {
  try {
    // Not to hang on a named pipe.
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new LuksError('source.missing', `${path}: cannot be opened; check the path and its permissions`, { cause });
  }
}

const formats: readonly { start: string; say: string }[] = [
  { start: 'LUKS\xba\xbe', say: 'is encrypted already' },
  { start: 'QFI\xfb', say: 'is a qcow2 image; convert it to a raw image first' },
];

/** Size of a plain raw image. @throws {LuksError} `source.size`, `source.format` */
export function plainSize(path: string, file: number): number {
  const { size } = fstatSync(file);
  checkSize(path, size);
  const start = new Uint8Array(8);
  readAt(file, start, 0);
  const format = formats.find((each) => Buffer.from(start).toString('latin1').startsWith(each.start));
  if (format !== undefined) throw new LuksError('source.format', `${path}: ${format.say}`);
  return size;
}

/** The header of a LUKS image and the size of its data. @throws {DecodeError} @throws {LuksError} `source.size` */
export function luksSource(path: string, file: number): { header: Uint8Array; phdr: Phdr; size: number } {
  const header = readHeader(file);
  const phdr = decodeWholeHeader(header);
  const size = fstatSync(file).size - phdr.payloadOffset * sectorSize;
  checkSize(path, size);
  return { header, phdr, size };
}

/** The header of an open LUKS image with its key material. @throws {DecodeError} */
export function readHeader(file: number): Uint8Array {
  const { size } = fstatSync(file);
  const start = new Uint8Array(Math.min(size, phdrSize));
  readAt(file, start, 0);
  const { payloadOffset } = decodeHeader(start);
  const header = new Uint8Array(Math.min(size, payloadOffset * sectorSize));
  readAt(file, header, 0);
  return header;
}

function checkSize(path: string, size: number): void {
  if (size <= 0) throw new LuksError('source.size', `${path}: holds no data`);
  if (size % sectorSize === 0) return;
  const whole = Math.ceil(size / sectorSize) * sectorSize;
  throw new LuksError(
    'source.size',
    `${path}: ${size} bytes of data are not whole sectors of 512; grow the image by ${whole - size} bytes (truncate -s)`,
  );
}
