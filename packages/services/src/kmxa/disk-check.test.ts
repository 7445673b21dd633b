import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWritable } from './disk-check.ts';
import { readDomain } from './domain-xml.ts';

const disk = (device: string, inside: string) =>
  `<disk type='file' ${device}><driver name='qemu' type='raw'/>${inside}<target dev='sda' bus='scsi'/></disk>`;

const cases: [what: string, xml: string, writable: boolean][] = [
  ['a disk', disk('', "<source file='/x'/>"), true],
  ['a read-only disk', disk('', "<source file='/x'/><readonly/>"), false],
  ['a LUN', disk("device='lun'", "<source file='/x'/>"), true],
  ['a floppy', disk("device='floppy'", "<source file='/x'/>"), true],
  ['a floppy drive without a medium', disk("device='floppy'", ''), false],
  ['a CD-ROM', disk("device='cdrom'", "<source file='/x'/>"), false],
];

for (const [what, device, expected] of cases) {
  test(`what a guest can write to: ${what}${expected ? '' : ', no'}`, async () => {
    const { domain } = await readDomain(
      `<domain type='qemu'><name>vm</name><uuid>aaaaaaaa-2222-4333-8444-555555555555</uuid>
      <os><type>hvm</type></os><devices>${device}</devices></domain>`,
    );
    assert.deepEqual(domain.disks.map(isWritable), [expected]);
  });
}
