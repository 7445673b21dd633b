import { type Infer, list, sized, struct, u8, u64le } from '@vouchsafe/bytes/codec';
import { count64 } from './count.ts';
import { Guid } from './guid.ts';

/** UEFI_PLATFORM_FIRMWARE_BLOB (Firmware Profile, 10.2.4): where the measured blob lies, and its length in bytes. */
export const UefiPlatformFirmwareBlob = struct('UEFI_PLATFORM_FIRMWARE_BLOB', { blobBase: u64le, blobLength: u64le });
export type UefiPlatformFirmwareBlob = Infer<typeof UefiPlatformFirmwareBlob>;

/** UEFI_PLATFORM_FIRMWARE_BLOB2 (10.2.5). */
export const UefiPlatformFirmwareBlob2 = struct('UEFI_PLATFORM_FIRMWARE_BLOB2', {
  blobDescription: sized('blobDescription', u8, 255),
  blobBase: u64le,
  blobLength: u64le,
});
export type UefiPlatformFirmwareBlob2 = Infer<typeof UefiPlatformFirmwareBlob2>;

const Table = struct('EFI_CONFIGURATION_TABLE', { vendorGuid: Guid, vendorTable: u64le });
const tables = list('tableEntry', count64, Table, 256);

/** UEFI_HANDOFF_TABLE_POINTERS (10.2.7). */
export const UefiHandoffTablePointers = struct('UEFI_HANDOFF_TABLE_POINTERS', { tableEntry: tables });
export type UefiHandoffTablePointers = Infer<typeof UefiHandoffTablePointers>;

/** UEFI_HANDOFF_TABLE_POINTERS2 (10.2.8). */
export const UefiHandoffTablePointers2 = struct('UEFI_HANDOFF_TABLE_POINTERS2', {
  tableDescription: sized('tableDescription', u8, 255),
  tableEntry: tables,
});
export type UefiHandoffTablePointers2 = Infer<typeof UefiHandoffTablePointers2>;
