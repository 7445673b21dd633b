import { fixed } from '@vouchsafe/bytes/codec';
import { fromHex, hex } from '@vouchsafe/bytes/hex';

/** EFI_GUID as it stands in memory: the first three groups are little-endian (UEFI 2.10, appendix A). */
export const Guid = fixed('EFI_GUID', 16);

/** Textual form of a GUID. */
export function guidText(guid: Uint8Array): string {
  const part = (from: number, to: number) => hex(guid.slice(from, to));
  const swapped = (from: number, to: number) => hex(guid.slice(from, to).reverse());
  return [swapped(0, 4), swapped(4, 6), swapped(6, 8), part(8, 10), part(10, 16)].join('-');
}

/** The bytes of a GUID's textual form. @throws {TypeError} when the text is no GUID */
export function guidBytes(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new TypeError(`not a GUID: ${text}`);
  const bytes = fromHex(text.replaceAll('-', ''));
  for (const [from, to] of [
    [0, 4],
    [4, 6],
    [6, 8],
  ] as const)
    bytes.subarray(from, to).reverse();
  return bytes;
}

/** GUIDs of variable name spaces and their names in the specifications. */
export const variableGuids = {
  '8be4df61-93ca-11d2-aa0d-00e098032b8c': 'EFI_GLOBAL_VARIABLE',
  'd719b2cb-3d3a-4596-a3bc-dad00e67656f': 'EFI_IMAGE_SECURITY_DATABASE',
  '605dab50-e046-4300-abb6-3dd810dd8b23': 'SHIM_LOCK',
} as const;
