import type { FirmwareBlock } from './firmware-block.ts';
import type { FirmwareRange } from './firmware-version.ts';

/** Single versions `MAJOR.MINOR`, whatever follows. */
const exactly = (major: number, ...minors: readonly number[]): FirmwareRange[] =>
  minors.map((minor) => ({ from: `${major}.${minor}`, below: `${major}.${minor + 1}` }));

/**
 * Firmware of TPMs with known faults, for `vouchsafe ek blocklist import`. Versions are those of the maker's advisory, or
 * of the one that is named where the maker's has none; firmware whose maker divides its version in another way is left
 * out, since a wrong row refuses honest hosts.
 */
export const knownFirmware: readonly FirmwareBlock[] = [
  {
    name: 'CVE-2017-15361',
    manufacturer: 'IFX',
    versions: [
      { from: '5.0', below: '5.62' },
      { from: '7.0', below: '7.62' },
    ],
    severity: 'fail',
    reason: 'ROCA: private RSA keys that this firmware made can be computed from the public ones',
    advisory: 'https://msrc.microsoft.com/update-guide/vulnerability/ADV170012',
  },
  {
    name: 'CVE-2019-16863',
    manufacturer: 'STM',
    versions: [...exactly(71, 0, 4, 12), ...exactly(73, 0, 4, 5, 8, 9), ...exactly(74, 0, 4, 5, 8, 9, 16)],
    severity: 'warn',
    reason: 'TPM-Fail: the time of ECDSA signatures tells the private key',
    advisory: 'https://www.st.com/content/st_com/en/campaigns/tpm-update.html',
  },
  {
    name: 'CVE-2020-25082',
    manufacturer: 'NTC',
    model: 'NPCT7',
    versions: [{ from: '7.2', below: '7.2.2.0' }],
    severity: 'warn',
    reason: 'who has the TPM in hand learns private ECC keys from the time of signatures',
    advisory: 'https://www.nuvoton.com/support/security/security-advisories/sa-002/',
  },
  {
    name: 'CVE-2023-1017',
    manufacturer: 'NTC',
    model: 'NPCT6',
    versions: [
      { from: '1.3.0.1', below: '1.3.0.2' },
      { from: '1.3.1.0', below: '1.3.1.1' },
      { from: '1.3.2.8', below: '1.3.2.9' },
    ],
    severity: 'warn',
    reason: 'a command writes out of bounds and stops the TPM until it is switched off',
    advisory: 'https://www.nuvoton.com/support/security/security-advisories/sa-003/',
  },
  {
    name: 'CVE-2025-2884',
    manufacturer: 'NTC',
    model: 'NPCT7',
    versions: [{ from: '7.2', below: '7.2.4.1' }],
    severity: 'warn',
    reason: 'a signature with HMAC reads out of bounds and stops the TPM until it is switched off',
    advisory:
      'https://www.dell.com/support/kbdoc/en-us/000331010/dsa-2025-232-security-update-for-dell-poweredge-server-for-a-trusted-platform-module-tpm-2-0-firmware-vulnerability',
  },
];
