import { fixed, type Infer, struct, u8 } from '@vouchsafe/bytes/codec';
import { withoutNuls } from './text.ts';

/** Signatures of EV_NO_ACTION events (PC Client Platform Firmware Profile 1.06, 10.4.5); 16 bytes, zero-padded. */
export const noActionSignatures = {
  'Spec ID Event00': 'log header of a conventional BIOS',
  'Spec ID Event02': 'log header of a TPM 1.2 platform',
  'Spec ID Event03': 'log header, crypto-agile form',
  StartupLocality: 'locality of TPM2_Startup',
  'SP800-155 Event': 'reference manifest of the platform',
  'SP800-155 Event2': 'reference manifest of the platform',
  'SP800-155 Event3': 'reference manifest of the platform',
  BIOSIntegrity: 'BIOS integrity measurement manifest',
  'H-CRTM CompMeas': 'component measurement of the H-CRTM',
  NvIndexInstance: 'SPDM measurement in an NV index',
  NvIndexDynamic: 'SPDM measurement in an NV index',
  'SPDM Device Sec': 'SPDM device security data',
  'SPDM Device Sec2': 'SPDM device security data',
} as const;

/** The signature that opens the data of an EV_NO_ACTION event; undefined when it is none of the profile's. */
export function noActionSignature(data: Uint8Array): keyof typeof noActionSignatures | undefined {
  if (data.length < 16) return undefined;
  const text = Buffer.from(withoutNuls(data.subarray(0, 16))).toString('latin1');
  return Object.hasOwn(noActionSignatures, text) ? (text as keyof typeof noActionSignatures) : undefined;
}

/** TCG_EfiStartupLocalityEvent (10.4.5.3): `startupLocality` is 0, 3, or 4 after an H-CRTM. */
export const StartupLocality = struct('TCG_EfiStartupLocalityEvent', {
  signature: fixed('signature', 16),
  startupLocality: u8,
});
export type StartupLocality = Infer<typeof StartupLocality>;
