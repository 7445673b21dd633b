import { hex } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { sectorSize } from './layout.ts';
import { headerProblems, type Phdr, readPhdr } from './phdr.ts';

/** What a file's first bytes say about its encryption; holds no secret (salts and digests are left out). */
export type LuksView =
  | { readonly format: 'luks1'; readonly supported: boolean; readonly problems: string[]; readonly header: HeaderView }
  | { readonly format: 'luks2' | 'qcow2-luks' | 'qcow2'; readonly supported: false; readonly problems: string[] };

/** A LUKS1 header for display. Offsets in bytes. */
export interface HeaderView {
  readonly uuid: string;
  readonly cipher: string;
  readonly hash: string;
  readonly keyBits: number;
  readonly payloadOffset: number;
  readonly digestIterations: number;
  readonly keySlots: readonly SlotView[];
}

/** A key slot for display. */
export type SlotView =
  | { readonly slot: number; readonly active: false }
  | {
      readonly slot: number;
      readonly active: true;
      readonly iterations: number;
      readonly stripes: number;
      readonly keyMaterialOffset: number;
    };

const luksMagic = '4c554b53babe';
const luks2SecondMagic = '534b554cbabe';
const qcow2Magic = '514649fb';

/**
 * Describes the header of an image, also one that this package does not handle.
 * @param image the image's first bytes; 592 are enough
 * @throws {DecodeError} when they are neither a LUKS nor a qcow2 header, or a malformed one
 */
export function inspectLuks(image: Uint8Array): LuksView {
  const start = hex(image.subarray(0, 8));
  if (start.startsWith(luks2SecondMagic) || start === `${luksMagic}0002`)
    return unsupported('luks2', 'LUKS2 is not supported here: QEMU opens LUKS1 only, recreate the image as LUKS1');
  if (start.startsWith(qcow2Magic)) return inspectQcow2(image);
  if (!start.startsWith(luksMagic))
    throw new DecodeError('LUKS_PHDR.magic', 0, 'neither a LUKS nor a qcow2 image (a plain disk?)');
  const phdr = readPhdr(image);
  const problems = headerProblems(phdr).map(({ field, reason }) => `${field}: ${reason}`);
  return { format: 'luks1', supported: problems.length === 0, problems, header: viewOf(phdr) };
}

/** QEMU, `docs/interop/qcow2.txt`: crypt_method stands at byte 32, 2 means LUKS. */
function inspectQcow2(image: Uint8Array): LuksView {
  if (image.length < 36) throw new DecodeError('QCowHeader.crypt_method', image.length, 'need 36 bytes');
  const method = new DataView(image.buffer, image.byteOffset, image.byteLength).getUint32(32);
  return method === 2
    ? unsupported('qcow2-luks', 'LUKS inside qcow2 is not supported here: convert it to a raw image first')
    : unsupported('qcow2', 'a qcow2 image without LUKS: convert it to a raw image first');
}

const unsupported = (format: 'luks2' | 'qcow2-luks' | 'qcow2', problem: string): LuksView => ({
  format,
  supported: false,
  problems: [problem],
});

function viewOf(phdr: Phdr): HeaderView {
  return {
    uuid: phdr.uuid,
    cipher: `${phdr.cipherName}-${phdr.cipherMode}`,
    hash: phdr.hashSpec,
    keyBits: phdr.keyBytes * 8,
    payloadOffset: phdr.payloadOffset * sectorSize,
    digestIterations: phdr.mkDigestIterations,
    keySlots: phdr.keySlots.map((slot, i) =>
      slot.active === 'disabled'
        ? { slot: i, active: false }
        : {
            slot: i,
            active: true,
            iterations: slot.passwordIterations,
            stripes: slot.stripes,
            keyMaterialOffset: slot.keyMaterialOffset * sectorSize,
          },
    ),
  };
}
