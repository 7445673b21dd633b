import { concat } from '@vouchsafe/bytes/hex';
import { guidBytes } from '../uefi/guid.ts';
import { encodeSignatureLists } from '../uefi/signature-list.ts';
import { encodeVariable } from '../uefi/variable.ts';
import { type EventInput, utf16 } from './build.ts';

const global = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
const security = 'd719b2cb-3d3a-4596-a3bc-dad00e67656f';
const owner = '77fa9abd-0359-4d32-bd60-28f4e78f784b';
export const certificate = Uint8Array.from([0x30, 0x82, 0x00, 0x01, 0x02]);
const database = encodeSignatureLists([[{ type: 'x509', owner, data: certificate }]]);

/** A variable of PCR 7. */
export const config = (
  name: string,
  data: Uint8Array,
  guid = name.startsWith('db') ? security : global,
): EventInput => ({
  pcr: 7,
  type: 'EV_EFI_VARIABLE_DRIVER_CONFIG',
  data: encodeVariable(guid, name, data),
});

/** The entry that verified an image. */
export const authority: EventInput = {
  pcr: 7,
  type: 'EV_EFI_VARIABLE_AUTHORITY',
  data: encodeVariable(security, 'db', concat(guidBytes(owner), certificate)),
};

export const separator = (pcr: number): EventInput => ({ pcr, type: 'EV_SEPARATOR', data: new Uint8Array(4) });

const image = new Uint8Array(32);

/** A measured boot with Secure Boot and a unified kernel image, as OVMF and systemd-stub log it. */
export const boot: readonly EventInput[] = [
  { pcr: 0, type: 'EV_S_CRTM_VERSION', data: utf16('1.0') },
  config('SecureBoot', Uint8Array.of(1)),
  config('PK', database),
  config('KEK', database),
  config('db', database),
  config('dbx', new Uint8Array()),
  separator(7),
  {
    pcr: 1,
    type: 'EV_EFI_VARIABLE_BOOT',
    data: encodeVariable(global, 'BootOrder', Uint8Array.of(1, 0, 0, 0)),
    measured: Uint8Array.of(1, 0, 0, 0),
  },
  { pcr: 4, type: 'EV_EFI_ACTION', data: 'Calling EFI Application from Boot Option' },
  ...[0, 1, 2, 3, 4, 5, 6].map(separator),
  authority,
  { pcr: 4, type: 'EV_EFI_BOOT_SERVICES_APPLICATION', data: image, measured: 'kernel image' },
  { pcr: 11, type: 'EV_IPL', data: utf16('.linux'), measured: '.linux\0' },
  { pcr: 11, type: 'EV_IPL', data: utf16('.linux'), measured: 'vmlinuz' },
  { pcr: 11, type: 'EV_IPL', data: utf16('.cmdline'), measured: '.cmdline\0' },
  { pcr: 11, type: 'EV_IPL', data: utf16('.cmdline'), measured: 'root=/dev/vda' },
  { pcr: 12, type: 'EV_IPL', data: utf16('quiet') },
  { pcr: 8, type: 'EV_IPL', data: 'kernel_cmdline: /vmlinuz ro\0', measured: '/vmlinuz ro' },
  { pcr: 9, type: 'EV_IPL', data: '/boot/initrd\0', measured: 'initrd' },
  { pcr: 5, type: 'EV_EFI_ACTION', data: 'Exit Boot Services Invocation' },
  { pcr: 5, type: 'EV_EFI_ACTION', data: 'Exit Boot Services Returned with Success' },
];

/** The boot with some events changed. */
export const bootWith = (change: (event: EventInput, index: number) => EventInput | EventInput[]): EventInput[] =>
  boot.flatMap(change);
