import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from './command.ts';
import { unpacked } from './debian-unpacked.ts';
import type { Kernel } from './kernel.ts';

/** A unified kernel image: one EFI program of kernel, initial file system and command line. */
export interface Uki {
  readonly kernel: Kernel;
  readonly initramfs: Uint8Array;
  readonly commandLine: string;
  /** Goes into the section `.osrel`. */
  readonly osRelease: string;
}

/**
 * Makes a unified kernel image with systemd's stub, which measures every section into PCR 11 (and starts the kernel
 * through the firmware, which measures it into PCR 4).
 * @param folder gets the image and its parts
 * @returns the path of the image
 * @see systemd-stub(7)
 */
export async function makeUki(folder: string, { kernel, initramfs, commandLine, osRelease }: Uki): Promise<string> {
  const stub = join(await unpacked('systemd-boot-efi'), 'usr/lib/systemd/boot/efi/linuxx64.efi.stub');
  const [osrel, cmdline, initrd] = ['osrel', 'cmdline', 'initrd'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(osrel, osRelease);
  await writeFile(cmdline, `${commandLine}\0`);
  await writeFile(initrd, initramfs);
  const image = join(folder, 'uki.efi');
  await must([
    'objcopy',
    // without it the current time goes into the image's header, and no two images are alike
    '--preserve-dates',
    ...section('.osrel', osrel, 0x20000),
    ...section('.cmdline', cmdline, 0x30000),
    ...section('.linux', kernel.image, 0x2000000),
    ...section('.initrd', initrd, 0x4000000),
    stub,
    image,
  ]);
  return image;
}

const section = (name: string, file: string, address: number): string[] => [
  ...['--add-section', `${name}=${file}`],
  ...['--change-section-vma', `${name}=0x${address.toString(16)}`],
];

/**
 * One EFI system partition. The identifiers are fixed: firmware measures the partition table into PCR 5, and disks that
 * differ only in their contents shall be told apart by their contents.
 */
const partitionTable = `label: gpt
label-id: 6F1D1A5C-7D3B-4F0E-9C55-0A4B6E7F8A01
start=2048, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=6F1D1A5C-7D3B-4F0E-9C55-0A4B6E7F8A02, name=ESP
`;

/**
 * Makes a disk with one EFI system partition whose default boot program is the given one.
 * @param disk path of the image file to make
 */
export async function makeBootDisk(disk: string, program: string, sizeMiB = 64): Promise<void> {
  const partition = `${disk}@@1M`;
  await must(['truncate', '-s', `${sizeMiB}M`, disk]);
  await must(['sfdisk', '--quiet', disk], { input: partitionTable });
  await must(['mformat', '-i', partition, '-F', '-v', 'ESP', '-N', '0', '::']);
  await must(['mmd', '-i', partition, '::/EFI', '::/EFI/BOOT']);
  await must(['mcopy', '-i', partition, program, '::/EFI/BOOT/BOOTX64.EFI']);
}
