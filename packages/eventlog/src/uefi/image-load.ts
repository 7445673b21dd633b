import { type Infer, struct, u64le } from '@vouchsafe/bytes/codec';
import { Reader } from '@vouchsafe/bytes/reader';
import { counted } from './counted.ts';

/**
 * UEFI_IMAGE_LOAD_EVENT (Firmware Profile, 10.2.3). The digest beside it is the image's Authenticode digest,
 * so that nothing in here is measured. `devicePath` is decoded by device-path.ts.
 */
export const UefiImageLoadEvent = struct('UEFI_IMAGE_LOAD_EVENT', {
  imageLocationInMemory: u64le,
  imageLengthInMemory: u64le,
  imageLinkTimeAddress: u64le,
  lengthOfDevicePath: u64le,
  devicePath: counted('devicePath', 'lengthOfDevicePath', 1, 65_536),
});
export type UefiImageLoadEvent = Infer<typeof UefiImageLoadEvent>;

/** Padding of a C structure that shim logs behind it (quirk `shim-spare-bytes`). */
const maxSpare = 9;

/** @throws {DecodeError} when the data are no UEFI_IMAGE_LOAD_EVENT, or more than 9 bytes are left over */
export function decodeImageLoad(data: Uint8Array): UefiImageLoadEvent {
  const reader = new Reader(data);
  return reader.within(UefiImageLoadEvent.name, () => {
    const event = UefiImageLoadEvent.read(reader, {});
    if (reader.left > maxSpare) reader.finish();
    return event;
  });
}
