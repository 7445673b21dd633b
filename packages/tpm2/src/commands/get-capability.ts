import { type Infer, list, oneOf, struct, u16, u32, union } from '@vouchsafe/bytes/codec';
import { command } from '../command.ts';
import { TpmlPcrSelection, type TpmsPcrSelection } from '../pcr-selection.ts';
import { TpmiYesNo } from '../public.ts';
import type { Tpm } from '../tpm.ts';

const TpmCap = oneOf(u32, { algs: 0, handles: 1, commands: 2, pcrs: 5, tpmProperties: 6 });

/** Part 2, 10.10.2 TPMS_CAPABILITY_DATA; a list has at most 1 kB (MAX_CAP_BUFFER) */
export const TpmsCapabilityData = struct('TPMS_CAPABILITY_DATA', {
  capability: TpmCap,
  data: union('capability', {
    algs: list('TPML_ALG_PROPERTY', u32, struct('TPMS_ALG_PROPERTY', { alg: u16, algProperties: u32 }), 170),
    handles: list('TPML_HANDLE', u32, u32, 254),
    commands: list('TPML_CCA', u32, u32, 254),
    pcrs: TpmlPcrSelection,
    tpmProperties: list(
      'TPML_TAGGED_TPM_PROPERTY',
      u32,
      struct('TPMS_TAGGED_PROPERTY', { property: u32, value: u32 }),
      127,
    ),
  }),
});
export type TpmsCapabilityData = Infer<typeof TpmsCapabilityData>;

/** Part 3, 30.2 TPM2_GetCapability */
export const GetCapability = command({
  name: 'TPM2_GetCapability',
  code: 0x17a,
  parameters: struct('TPM2_GetCapability', { capability: TpmCap, property: u32, propertyCount: u32 }),
  results: struct('TPM2_GetCapability', { moreData: TpmiYesNo, capabilityData: TpmsCapabilityData }),
});

const enough = 254;

/** Handles in use from `first` on within its range (Part 2, 7.2): 0x01000000 NV, 0x80000000 transient, 0x81000000 persistent. */
export async function handlesFrom(tpm: Tpm, first: number): Promise<number[]> {
  const { results } = await tpm.run(GetCapability, { capability: 'handles', property: first, propertyCount: enough });
  return results.capabilityData.capability === 'handles' ? results.capabilityData.data : [];
}

/** The allocated banks and their PCRs. */
export async function allocatedPcrs(tpm: Tpm): Promise<TpmsPcrSelection[]> {
  const { results } = await tpm.run(GetCapability, { capability: 'pcrs', property: 0, propertyCount: enough });
  return results.capabilityData.capability === 'pcrs' ? results.capabilityData.data : [];
}

/** Values of properties (Part 2, 6.13 TPM_PT) from `first` on, by their number. */
export async function propertiesFrom(tpm: Tpm, first: number, propertyCount: number): Promise<Map<number, number>> {
  const { results } = await tpm.run(GetCapability, { capability: 'tpmProperties', property: first, propertyCount });
  const { capability, data } = results.capabilityData;
  return new Map(capability === 'tpmProperties' ? data.map(({ property, value }) => [property, value]) : []);
}
