import type { GuestKernel } from './guest-kernel.ts';

export interface GuestDomain {
  readonly name: string;
  readonly uuid: string;
  readonly boot: GuestKernel;
  readonly disk: GuestDomainDisk;
  /** File that what the guest prints is appended to. */
  readonly serialLog: string;
  readonly memoryMiB?: number;
  /** Gives the guest a TPM of its own; with a secret its state is encrypted. */
  readonly tpm?: { readonly secret?: string };
  /** Path of an image that is put into a CD-ROM drive. */
  readonly cdrom?: string;
  /** XML of `<metadata>`. */
  readonly metadata?: string;
}

export interface GuestDomainDisk {
  /** Path of a raw image. */
  readonly path: string;
  /** UUID of the libvirt secret that opens its LUKS header; without it the image is plain. */
  readonly secret?: string;
}

/** A libvirt domain for the tiny guest: emulated, one disk, no network. libvirt.org/formatdomain.html */
export function domainXml(guest: GuestDomain): string {
  const { name, uuid, boot, disk, serialLog, memoryMiB = 128, tpm, cdrom, metadata } = guest;
  return `<domain type='qemu'>
  <name>${text(name)}</name>
  <uuid>${text(uuid)}</uuid>
${metadata === undefined ? '' : `  <metadata>${metadata}</metadata>\n`}  <memory unit='MiB'>${memoryMiB}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>${text(boot.kernel)}</kernel>
    <initrd>${text(boot.initrd)}</initrd>
    <cmdline>console=ttyS0 quiet panic=1</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='custom' match='exact' check='none'><model fallback='forbid'>qemu64</model></cpu>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
${diskXml(disk)}${cdrom === undefined ? '' : cdromXml(cdrom)}${tpm === undefined ? '' : tpmXml(tpm.secret)}\
    <serial type='pty'><log file='${text(serialLog)}' append='on'/><target port='0'/></serial>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
`;
}

const diskXml = ({ path, secret }: GuestDomainDisk): string => `\
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='${text(path)}'>${secret === undefined ? '' : encryption(secret)}</source>
      <target dev='vda' bus='virtio'/>
    </disk>
`;

const encryption = (secret: string): string =>
  `<encryption format='luks'><secret type='passphrase' uuid='${text(secret)}'/></encryption>`;

const cdromXml = (path: string): string => `\
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <source file='${text(path)}'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
    </disk>
`;

const tpmXml = (secret: string | undefined): string => `\
    <tpm model='tpm-crb'>
      <backend type='emulator' version='2.0' persistent_state='yes'>\
${secret === undefined ? '' : `<encryption secret='${text(secret)}'/>`}</backend>
    </tpm>
`;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
};

/** Text as it may stand in XML, also inside quotes. */
const text = (value: string): string => value.replace(/[&<>'"]/g, (character) => entities[character]!);
