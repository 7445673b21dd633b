import { constant, decode, encode, fixed, type Infer, list, oneOf, struct, u16, u32 } from '@vouchsafe/bytes/codec';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { always, exactly, zeroPadded } from './fields.ts';
import {
  digestSize,
  firstSlotSector,
  keySlots,
  materialSectors,
  phdrSize,
  saltSize,
  sectorSize,
  stripes,
  volumeKeySize,
} from './layout.ts';

const magic = Uint8Array.of(0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe);

/** LUKS1, figure 2: one key slot. Offsets in sectors from the start of the image. */
const KeySlot = struct('KEY_SLOT', {
  active: oneOf(u32, { enabled: 0x00ac71f3, disabled: 0x0000dead }),
  passwordIterations: u32,
  passwordSalt: fixed('salt', saltSize),
  keyMaterialOffset: u32,
  stripes: u32,
});
export type KeySlot = Infer<typeof KeySlot>;

/** LUKS1, figure 2: the partition header. */
const Phdr = struct('LUKS_PHDR', {
  magic: exactly('LUKS header', magic),
  version: constant(u16, 1),
  cipherName: zeroPadded('cipher-name', 32),
  cipherMode: zeroPadded('cipher-mode', 32),
  hashSpec: zeroPadded('hash-spec', 32),
  payloadOffset: u32,
  keyBytes: u32,
  mkDigest: fixed('mk-digest', digestSize),
  mkDigestSalt: fixed('mk-digest-salt', saltSize),
  mkDigestIterations: u32,
  uuid: zeroPadded('uuid', 40),
  keySlots: list('key slots', always(keySlots), KeySlot, keySlots),
});
export type Phdr = Infer<typeof Phdr>;

export const encodePhdr = (phdr: Phdr): Uint8Array<ArrayBuffer> => encode(Phdr, phdr);

/** Limits that keep a hostile header from costing time or memory. */
export const limits = {
  /** PBKDF2 rounds over all enabled slots and the digest: some 20 s at worst; the tools choose 2 s a slot. */
  iterations: 20_000_000,
  /** Sectors before the data: 16 MiB; the tools choose 2 MiB. */
  payloadOffset: 32_768,
} as const;

/** A field whose value this package does not handle. */
export interface HeaderProblem {
  readonly field: string;
  readonly reason: string;
  /** Byte offset of the field. */
  readonly offset: number;
}

/** Reads the structure alone, whatever cipher and sizes it names. @throws {DecodeError} */
export function readPhdr(header: Uint8Array): Phdr {
  if (header.length < phdrSize) throw new DecodeError('LUKS_PHDR', header.length, `need ${phdrSize} bytes`);
  return decode(Phdr, header.subarray(0, phdrSize));
}

/**
 * Decodes the header of an image and checks that its values are ones this package handles: aes-xts-plain64 with a
 * 64-byte key, sha256, 4000 stripes, key material inside the header and without overlap, bounded work.
 * @param header the image's first bytes, at least 592
 * @throws {DecodeError} naming the first field that is not as expected
 */
export function decodeHeader(header: Uint8Array): Phdr {
  const phdr = readPhdr(header);
  const problem = headerProblems(phdr)[0];
  if (problem !== undefined) throw new DecodeError(`LUKS_PHDR.${problem.field}`, problem.offset, problem.reason);
  return phdr;
}

/** Everything about a header that this package does not handle; empty when it does. */
export function headerProblems(phdr: Phdr): HeaderProblem[] {
  return [
    ...suiteProblems(phdr),
    ...sizeProblems(phdr),
    ...phdr.keySlots.flatMap((_, i) => [...slotProblems(phdr, i)]),
  ];
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
export const isUuid = (text: string): boolean => uuidForm.test(text);

/** The values QEMU and we write: one row a field. */
const suite = [
  { field: 'cipherName', offset: 8, expected: 'aes' },
  { field: 'cipherMode', offset: 40, expected: 'xts-plain64' },
  { field: 'hashSpec', offset: 72, expected: 'sha256' },
  { field: 'keyBytes', offset: 108, expected: volumeKeySize },
] as const satisfies { field: keyof Phdr; offset: number; expected: string | number }[];

function* suiteProblems(phdr: Phdr): Generator<HeaderProblem> {
  for (const { field, offset, expected } of suite)
    if (phdr[field] !== expected) yield { field, offset, reason: `expected ${expected}, found ${phdr[field]}` };
  if (!isUuid(phdr.uuid)) yield { field: 'uuid', offset: 168, reason: 'expected a UUID' };
}

function* sizeProblems(phdr: Phdr): Generator<HeaderProblem> {
  const { payloadOffset, mkDigestIterations } = phdr;
  if (payloadOffset < firstSlotSector || payloadOffset > limits.payloadOffset)
    yield {
      field: 'payloadOffset',
      offset: 104,
      reason: `expected ${firstSlotSector}..${limits.payloadOffset} sectors, found ${payloadOffset}`,
    };
  if (mkDigestIterations < 1)
    yield { field: 'mkDigestIterations', offset: 164, reason: 'expected at least 1, found 0' };
  const enabled = phdr.keySlots.filter((slot) => slot.active === 'enabled');
  const iterations = enabled.reduce((sum, slot) => sum + slot.passwordIterations, mkDigestIterations);
  if (iterations > limits.iterations)
    yield {
      field: 'mkDigestIterations',
      offset: 164,
      reason: `${iterations} iterations with all enabled key slots, limit ${limits.iterations}`,
    };
}

function* slotProblems(phdr: Phdr, index: number): Generator<HeaderProblem> {
  const slot = phdr.keySlots[index]!;
  const at = (field: keyof KeySlot, offset: number, reason: string): HeaderProblem => ({
    field: `keySlots[${index}].${field}`,
    offset: 208 + index * 48 + offset,
    reason,
  });
  if (slot.active === 'enabled' && slot.passwordIterations < 1)
    yield at('passwordIterations', 4, 'expected at least 1, found 0');
  if (slot.stripes !== stripes) yield at('stripes', 44, `expected ${stripes}, found ${slot.stripes}`);
  const start = slot.keyMaterialOffset;
  if (start * sectorSize < phdrSize || start + materialSectors > phdr.payloadOffset)
    yield at('keyMaterialOffset', 40, `key material at sector ${start} is not between the header and the data`);
  for (const [other, { keyMaterialOffset }] of phdr.keySlots.slice(0, index).entries())
    if (Math.abs(keyMaterialOffset - start) < materialSectors)
      yield at('keyMaterialOffset', 40, `key material at sector ${start} overlaps that of key slot ${other}`);
}
