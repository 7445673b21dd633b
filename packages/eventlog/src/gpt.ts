import { fixed, type Infer, struct, u32le, u64le } from '@vouchsafe/bytes/codec';
import { Reader } from '@vouchsafe/bytes/reader';
import { utf16Text } from './text.ts';
import { Guid, guidText } from './uefi/guid.ts';

/** EFI_PARTITION_TABLE_HEADER (UEFI 2.10, 5.3.2). */
const PartitionTableHeader = struct('EFI_PARTITION_TABLE_HEADER', {
  signature: fixed('signature', 8),
  revision: u32le,
  headerSize: u32le,
  headerCrc32: u32le,
  reserved: u32le,
  myLba: u64le,
  alternateLba: u64le,
  firstUsableLba: u64le,
  lastUsableLba: u64le,
  diskGuid: Guid,
  partitionEntryLba: u64le,
  numberOfPartitionEntries: u32le,
  sizeOfPartitionEntry: u32le,
  partitionEntryArrayCrc32: u32le,
});

/** EFI_PARTITION_ENTRY (5.3.3), 128 bytes. */
const PartitionEntry = struct('EFI_PARTITION_ENTRY', {
  partitionTypeGuid: Guid,
  uniquePartitionGuid: Guid,
  startingLba: u64le,
  endingLba: u64le,
  attributes: u64le,
  partitionName: fixed('partitionName', 72),
});
type PartitionEntry = Infer<typeof PartitionEntry>;

const entrySize = 128;
const maxPartitions = 1024;

/** A measured partition table. */
export interface Gpt {
  readonly diskGuid: string;
  readonly partitions: readonly {
    readonly type: string;
    readonly guid: string;
    readonly name: string;
    readonly startingLba: bigint;
    readonly endingLba: bigint;
  }[];
}

/** UEFI_GPT_DATA (Firmware Profile, 10.2.9): header, number of partitions in use, their entries. @throws {DecodeError} */
export function decodeGpt(data: Uint8Array): Gpt {
  const reader = new Reader(data);
  return reader.within('UEFI_GPT_DATA', () => {
    const header = reader.within('header', () => PartitionTableHeader.read(reader, {}));
    if (Buffer.from(header.signature).toString('latin1') !== 'EFI PART') reader.fail('expected EFI PART first', 0);
    const size = header.sizeOfPartitionEntry;
    if (size < entrySize || size > 4096) reader.fail(`sizeOfPartitionEntry ${size}, expected ${entrySize}..4096`);
    const at = reader.offset;
    const count = u64le.read(reader, {});
    if (count > maxPartitions) reader.fail(`${count} partitions, limit ${maxPartitions}`, at);
    const partitions = Array.from({ length: Number(count) }, (_, i) =>
      reader.within(`[${i}]`, () => partition(PartitionEntry.read(reader.window(size), {}))),
    );
    reader.finish();
    return { diskGuid: guidText(header.diskGuid), partitions };
  });
}

const partition = (entry: PartitionEntry): Gpt['partitions'][number] => ({
  type: guidText(entry.partitionTypeGuid),
  guid: guidText(entry.uniquePartitionGuid),
  name: utf16Text(entry.partitionName),
  startingLba: entry.startingLba,
  endingLba: entry.endingLba,
});
