import { decode } from '@vouchsafe/bytes/codec';
import { hex } from '@vouchsafe/bytes/hex';
import { digest } from '../algorithms.ts';
import { asciiText } from '../text.ts';
import { guidText } from '../uefi/guid.ts';
import { SignatureData } from '../uefi/signature-list.ts';
import type { Variable } from '../uefi/variable.ts';

/** What verified an image: an entry of db, of MokListRT, or shim's own certificate; or shim's SBAT level. */
export interface Authority {
  readonly guid: string;
  /** Name of the variable that holds the entry: `db`, `Shim`, `MokListRT`, `SbatLevel`, ... */
  readonly variable: string;
  readonly data: Uint8Array;
  /** Owner GUID, when the data begin with one (EFI_SIGNATURE_DATA; shim writes bare certificates). */
  readonly owner: string | undefined;
}

/** `0x30 0x82`: a DER certificate without the owner before it. */
const isDer = (data: Uint8Array) => data[0] === 0x30 && data[1] === 0x82;

/** Reads the value of an EV_EFI_VARIABLE_AUTHORITY event. */
export function authorityOf({ guid, name: variable, data }: Pick<Variable, 'guid' | 'name' | 'data'>): Authority {
  const shimText = guid === '605dab50-e046-4300-abb6-3dd810dd8b23';
  if (shimText || isDer(data) || data.length <= 16) return { guid, variable, data, owner: undefined };
  const { signatureOwner, signatureData } = decode(SignatureData, data);
  return { guid, variable, data: signatureData, owner: guidText(signatureOwner) };
}

/** In an operator's words: a certificate by its SHA-256, an SBAT level as its text. */
export function authorityText({ variable, data }: Authority): string {
  const text = data.length > 0 && data.length <= 512 ? asciiText(data)?.trim().replaceAll('\n', ' ') : undefined;
  if (text) return `${variable} ${text}`;
  if (isDer(data)) return `${variable}, certificate with SHA-256 ${hex(digest('sha256', data))}`;
  return `${variable}, ${data.length <= 64 ? hex(data) : `${data.length} bytes`}`;
}
