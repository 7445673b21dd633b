import { decode } from '@vouchsafe/bytes/codec';
import { hex } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import type { LogEvent } from './event.ts';
import type { EventTypeName } from './event-types.ts';
import { decodeGpt, type Gpt } from './gpt.ts';
import { noActionSignature } from './no-action.ts';
import { knownTags, TaggedEvents } from './tagged.ts';
import { asciiText, printable, utf16Text } from './text.ts';
import { devicePathText } from './uefi/device-path.ts';
import {
  UefiHandoffTablePointers,
  UefiHandoffTablePointers2,
  UefiPlatformFirmwareBlob,
  UefiPlatformFirmwareBlob2,
} from './uefi/firmware.ts';
import { guidText } from './uefi/guid.ts';
import { decodeImageLoad } from './uefi/image-load.ts';
import { decodeVariable } from './uefi/variable.ts';

/** What an event's data say, read by the event's label. Whether any of it was measured is a matter of its proof. */
export type Content =
  | { readonly kind: 'variable'; readonly guid: string; readonly name: string; readonly data: Uint8Array }
  | { readonly kind: 'image'; readonly devicePath: string; readonly length: bigint }
  | { readonly kind: 'gpt'; readonly gpt: Gpt }
  | { readonly kind: 'blob'; readonly base: bigint; readonly length: bigint; readonly description?: string }
  | { readonly kind: 'tables'; readonly guids: readonly string[]; readonly description?: string }
  | {
      readonly kind: 'tagged';
      readonly tags: readonly { readonly id: number; readonly name: string; readonly data: Uint8Array }[];
    }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'signature'; readonly signature: string }
  | { readonly kind: 'bytes'; readonly data: Uint8Array }
  /** The data are not what the label asks for. */
  | { readonly kind: 'undecodable'; readonly reason: string };

type Decoder = (data: Uint8Array) => Content;

const variable: Decoder = (data) => {
  const { guid, name, data: value } = decodeVariable(data);
  return { kind: 'variable', guid, name, data: value };
};

const image: Decoder = (data) => {
  const { devicePath, imageLengthInMemory } = decodeImageLoad(data);
  return { kind: 'image', devicePath: devicePathText(devicePath), length: imageLengthInMemory };
};

const gpt: Decoder = (data) => ({ kind: 'gpt', gpt: decodeGpt(data) });

/** Firmware writes a description where the profile asks for a pointer, and the other way round: 16 bytes are a pointer. */
const blob: Decoder = (data) => {
  if (data.length !== 16) return text(data);
  const { blobBase, blobLength } = decode(UefiPlatformFirmwareBlob, data);
  return { kind: 'blob', base: blobBase, length: blobLength };
};

const blob2: Decoder = (data) => {
  const { blobDescription, blobBase, blobLength } = decode(UefiPlatformFirmwareBlob2, data);
  return { kind: 'blob', base: blobBase, length: blobLength, description: descriptionText(blobDescription) };
};

const tables: Decoder = (data) => {
  const { tableEntry } = decode(UefiHandoffTablePointers, data);
  return { kind: 'tables', guids: tableEntry.map(({ vendorGuid }) => guidText(vendorGuid)) };
};

const tables2: Decoder = (data) => {
  const { tableDescription, tableEntry } = decode(UefiHandoffTablePointers2, data);
  const guids = tableEntry.map(({ vendorGuid }) => guidText(vendorGuid));
  return { kind: 'tables', guids, description: descriptionText(tableDescription) };
};

const tagged: Decoder = (data) => ({
  kind: 'tagged',
  tags: decode(TaggedEvents, data).map(({ taggedEventId: id, taggedEventData }) => ({
    id,
    name: knownTags[id]?.name ?? `0x${id.toString(16).padStart(8, '0')}`,
    data: taggedEventData,
  })),
});

/** ASCII or UTF-16 text when it looks like one, else bytes. */
const text: Decoder = (data) => {
  if (data.length === 0) return { kind: 'text', text: '' };
  const ascii = asciiText(data);
  if (ascii !== undefined && ascii !== '') return { kind: 'text', text: ascii };
  const wide = utf16Text(data);
  const looksWide = data.length >= 4 && data[1] === 0 && !/[\p{C}\u{fffd}]/u.test(wide) && wide !== '';
  return looksWide ? { kind: 'text', text: wide } : { kind: 'bytes', data };
};

const version: Decoder = (data) => text(data);

const noAction: Decoder = (data) => {
  const signature = noActionSignature(data);
  return signature === undefined ? text(data) : { kind: 'signature', signature };
};

const separator: Decoder = (data) => (data.length === 4 ? { kind: 'bytes', data } : text(data));

const descriptionText = (bytes: Uint8Array): string => asciiText(bytes) ?? hex(bytes);

/** How the data of each type are read; types that are not here: text or bytes. */
const decoders: Readonly<Partial<Record<EventTypeName, Decoder>>> = {
  EV_NO_ACTION: noAction,
  EV_SEPARATOR: separator,
  EV_EVENT_TAG: tagged,
  EV_S_CRTM_VERSION: version,
  EV_POST_CODE: blob,
  EV_S_CRTM_CONTENTS: blob,
  EV_POST_CODE2: blob2,
  EV_EFI_VARIABLE_DRIVER_CONFIG: variable,
  EV_EFI_VARIABLE_BOOT: variable,
  EV_EFI_VARIABLE_BOOT2: variable,
  EV_EFI_VARIABLE_AUTHORITY: variable,
  EV_EFI_BOOT_SERVICES_APPLICATION: image,
  EV_EFI_BOOT_SERVICES_DRIVER: image,
  EV_EFI_RUNTIME_SERVICES_DRIVER: image,
  EV_EFI_GPT_EVENT: gpt,
  EV_EFI_GPT_EVENT2: gpt,
  EV_EFI_PLATFORM_FIRMWARE_BLOB: blob,
  EV_EFI_PLATFORM_FIRMWARE_BLOB2: blob2,
  EV_EFI_HANDOFF_TABLES: tables,
  EV_EFI_HANDOFF_TABLES2: tables2,
};

/** Reads an event's data by its label. Never throws for data: what cannot be read says why. */
export function contentOf(event: LogEvent): Content {
  try {
    return (decoders[event.typeName as EventTypeName] ?? text)(event.data);
  } catch (error) {
    if (error instanceof DecodeError) return { kind: 'undecodable', reason: printable(error.message) };
    throw error;
  }
}
