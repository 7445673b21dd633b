import { struct, u16le, u32le } from '@vouchsafe/bytes/codec';
import { Reader } from '@vouchsafe/bytes/reader';
import { devicePathText } from './device-path.ts';

/** EFI_LOAD_OPTION (UEFI 2.10, 3.1.3): an entry of the firmware's boot menu. */
export interface LoadOption {
  /** Bits of 3.1.3, Table 3.3: bit 0 is LOAD_OPTION_ACTIVE. */
  readonly attributes: number;
  readonly description: string;
  /** Text of the first device path. */
  readonly path: string;
  readonly optionalData: Uint8Array;
}

const Head = struct('EFI_LOAD_OPTION', { attributes: u32le, filePathListLength: u16le });
const maxDescription = 512;
const maxBytes = 65_536;

/** Bit 0 of `attributes`: the firmware may boot it without being asked. */
export const isActive = ({ attributes }: Pick<LoadOption, 'attributes'>): boolean => (attributes & 1) === 1;

/** @throws {DecodeError} when the bytes are no EFI_LOAD_OPTION or a limit is passed */
export function decodeLoadOption(bytes: Uint8Array): LoadOption {
  const reader = new Reader(bytes);
  return reader.within('EFI_LOAD_OPTION', () => {
    if (bytes.length > maxBytes) reader.fail(`${bytes.length} bytes, limit ${maxBytes}`);
    const { attributes, filePathListLength } = Head.read(reader, {});
    const description = reader.within('description', () => terminated(reader));
    const paths = reader.within('filePathList', () => reader.take(filePathListLength));
    const path = devicePathText(firstPath(paths));
    return { attributes, description, path, optionalData: reader.take(reader.left) };
  });
}

function terminated(reader: Reader): string {
  const units: number[] = [];
  for (;;) {
    const unit = u16le.read(reader, {});
    if (unit === 0) return String.fromCharCode(...units);
    if (units.length === maxDescription) reader.fail(`more than ${maxDescription} characters`);
    units.push(unit);
  }
}

/** Up to and with the first End node; what follows describes the option further. */
function firstPath(paths: Uint8Array): Uint8Array {
  const view = new DataView(paths.buffer, paths.byteOffset, paths.byteLength);
  let at = 0;
  while (at + 4 <= paths.length) {
    const length = view.getUint16(at + 2, true);
    if (length < 4) break;
    at += length;
    if (paths[at - length] === 0x7f && paths[at - length + 1] === 0xff) return paths.subarray(0, at);
  }
  return paths;
}
