import { type Codec, decode, fixed, rest, struct, u8, u16le, u32le, u64le } from '@vouchsafe/bytes/codec';
import { hex } from '@vouchsafe/bytes/hex';
import { Reader } from '@vouchsafe/bytes/reader';
import { attempt } from '../attempt.ts';
import { printable, utf16Text } from '../text.ts';
import { Guid, guidText } from './guid.ts';

/** EFI_DEVICE_PATH_PROTOCOL node (UEFI 2.10, 10.3). */
export interface DevicePathNode {
  readonly type: number;
  readonly subType: number;
  readonly data: Uint8Array;
}

const headSize = 4;
const maxNodes = 256;
const endType = 0x7f;
const endEntire = 0xff;

const NodeHead = struct('EFI_DEVICE_PATH_PROTOCOL', { type: u8, subType: u8, length: u16le });

/**
 * The nodes of a device path, without the End node. A path that just stops (as in some firmware's events) is accepted.
 * @throws {DecodeError} when a node is shorter than its head, reaches beyond the end, or bytes follow the End node
 */
export function decodeDevicePath(bytes: Uint8Array): DevicePathNode[] {
  const reader = new Reader(bytes);
  const nodes: DevicePathNode[] = [];
  return reader.within('device path', () => {
    while (reader.left > 0) {
      if (nodes.length === maxNodes) reader.fail(`more than ${maxNodes} nodes`);
      const node = reader.within(`[${nodes.length}]`, () => readNode(reader));
      if (node.type === endType && node.subType === endEntire) {
        reader.finish();
        return nodes;
      }
      nodes.push(node);
    }
    return nodes;
  });
}

function readNode(reader: Reader): DevicePathNode {
  const at = reader.offset;
  const { type, subType, length } = NodeHead.read(reader, {});
  if (length < headSize) reader.fail(`a node of ${length} bytes, expected at least ${headSize}`, at);
  return { type, subType, data: reader.take(length - headSize) };
}

/** How a kind of node is written (UEFI 2.10, 10.6.1.6). A node that does not fit its kind is written in hexadecimal. */
const nodeText: Readonly<Record<string, (data: Uint8Array) => string>> = {
  '1/1': from(
    struct('PCI', { function: u8, device: u8 }),
    (n) => `Pci(0x${n.device.toString(16)},0x${n.function.toString(16)})`,
  ),
  '1/3': from(
    struct('MEMORY_MAPPED', { memoryType: u32le, start: u64le, end: u64le }),
    (n) => `MemoryMapped(0x${n.memoryType.toString(16)},0x${n.start.toString(16)},0x${n.end.toString(16)})`,
  ),
  '1/4': vendor('VenHw'),
  '2/1': from(struct('ACPI', { hid: u32le, uid: u32le }), acpi),
  '3/1': from(
    struct('ATAPI', { primarySecondary: u8, slaveMaster: u8, lun: u16le }),
    (n) => `Ata(${n.primarySecondary},${n.slaveMaster},${n.lun})`,
  ),
  '3/2': from(
    struct('SCSI', { target: u16le, lun: u16le }),
    (n) => `Scsi(0x${n.target.toString(16)},0x${n.lun.toString(16)})`,
  ),
  '3/5': from(
    struct('USB', { port: u8, interface: u8 }),
    (n) => `USB(0x${n.port.toString(16)},0x${n.interface.toString(16)})`,
  ),
  '3/11': (data) => `MAC(${hex(data.subarray(0, 6))})`,
  '3/12': () => 'IPv4()',
  '3/13': () => 'IPv6()',
  '3/18': from(
    struct('SATA', { port: u16le, multiplier: u16le, lun: u16le }),
    (n) => `Sata(0x${n.port.toString(16)},0x${n.multiplier.toString(16)},0x${n.lun.toString(16)})`,
  ),
  '3/23': from(
    struct('NVME', { namespace: u32le, eui64: fixed('eui64', 8) }),
    (n) => `NVMe(0x${n.namespace.toString(16)},${hex(n.eui64.slice().reverse()).replace(/..(?=.)/g, '$&-')})`,
  ),
  '3/24': (data) => `Uri(${printable(Buffer.from(data).toString('utf8'))})`,
  '4/1': from(
    struct('HD', {
      partition: u32le,
      start: u64le,
      size: u64le,
      signature: fixed('signature', 16),
      format: u8,
      signatureType: u8,
    }),
    hardDrive,
  ),
  '4/2': from(struct('CDROM', { entry: u32le, start: u64le, size: u64le }), (n) => `CDROM(0x${n.entry.toString(16)})`),
  '4/3': vendor('VenMedia'),
  '4/4': (data) => printable(utf16Text(data)),
  '4/6': from(struct('FV_FILE', { guid: Guid }), (n) => `FvFile(${guidText(n.guid)})`),
  '4/7': from(struct('FV', { guid: Guid }), (n) => `Fv(${guidText(n.guid)})`),
  '4/8': (data) => `Offset(${hex(data.subarray(0, 20))})`,
  '5/1': () => 'BBS()',
};

function from<T>(codec: Codec<T>, show: (node: T) => string): (data: Uint8Array) => string {
  return (data) => show(decode(codec, data));
}

/** A vendor's node: GUID, then data of the vendor's own. */
function vendor(name: string): (data: Uint8Array) => string {
  return from(
    struct('VENDOR', { guid: Guid, data: rest('data', 65_536) }),
    (n) => `${name}(${guidText(n.guid)}${n.data.length > 0 ? `,${hex(n.data.subarray(0, 32))}` : ''})`,
  );
}

function acpi({ hid, uid }: { hid: number; uid: number }): string {
  const pnp = (hid & 0xffff) === 0x41d0 ? (hid >>> 16).toString(16).padStart(4, '0') : undefined;
  if (pnp === '0a03') return `PciRoot(0x${uid.toString(16)})`;
  return `Acpi(${pnp === undefined ? `0x${hid.toString(16)}` : `PNP${pnp.toUpperCase()}`},0x${uid.toString(16)})`;
}

type HardDrive = { partition: number; start: bigint; size: bigint; signature: Uint8Array; signatureType: number };

function hardDrive({ partition, start, size, signature, signatureType }: HardDrive): string {
  const id = signatureType === 2 ? `GPT,${guidText(signature)}` : `MBR,0x${hex(signature.slice(0, 4).reverse())}`;
  return `HD(${partition},${id},0x${start.toString(16)},0x${size.toString(16)})`;
}

/** Text of a node. */
export function devicePathNodeText({ type, subType, data }: DevicePathNode): string {
  const text = attempt(() => nodeText[`${type}/${subType}`]?.(data));
  return text ?? `Path(${type},${subType},${hex(data.subarray(0, 32))})`;
}

/** Text of a device path, for instance `PciRoot(0x0)/Pci(0x1,0x1)/\EFI\BOOT\BOOTX64.EFI`. @throws {DecodeError} */
export const devicePathText = (bytes: Uint8Array): string => decodeDevicePath(bytes).map(devicePathNodeText).join('/');
