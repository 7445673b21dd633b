import { fixed, type Infer, list, sized, struct, u8, u16le, u32le } from '@vouchsafe/bytes/codec';

/** More banks than any TPM has. */
const maxAlgorithms = 16;

/** TCG_EfiSpecIdEventAlgorithmSize. `digestSize` in bytes. */
export const SpecIdAlgorithm = struct('TCG_EfiSpecIdEventAlgorithmSize', { algorithmId: u16le, digestSize: u16le });
export type SpecIdAlgorithm = Infer<typeof SpecIdAlgorithm>;

/** TCG_EfiSpecIDEvent: the head of a crypto-agile log (PC Client Platform Firmware Profile, 10.4.5.1). */
export const SpecId = struct('TCG_EfiSpecIDEvent', {
  signature: fixed('signature', 16),
  platformClass: u32le,
  specVersionMinor: u8,
  specVersionMajor: u8,
  specErrata: u8,
  uintnSize: u8,
  digestSizes: list('digestSizes', u32le, SpecIdAlgorithm, maxAlgorithms),
  vendorInfo: sized('vendorInfo', u8, 255),
});
export type SpecId = Infer<typeof SpecId>;
