import { encode, type Infer, struct, u64le } from '@vouchsafe/bytes/codec';
import { Reader } from '@vouchsafe/bytes/reader';
import { utf16Text } from '../text.ts';
import { counted } from './counted.ts';
import { Guid, guidBytes, guidText } from './guid.ts';

const maxName = 1024;
const maxData = 2 ** 20;

/** UEFI_VARIABLE_DATA (Firmware Profile, 10.2.6): `unicodeNameLength` in UTF-16 units, `variableDataLength` in bytes. */
export const UefiVariableData = struct('UEFI_VARIABLE_DATA', {
  variableName: Guid,
  unicodeNameLength: u64le,
  variableDataLength: u64le,
  unicodeName: counted('unicodeName', 'unicodeNameLength', 2, 2 * maxName),
  variableData: counted('variableData', 'variableDataLength', 1, maxData),
});
export type UefiVariableData = Infer<typeof UefiVariableData>;

/** A measured UEFI variable. */
export interface Variable {
  readonly guid: string;
  readonly name: string;
  readonly data: Uint8Array;
  /** Bytes of the structure; what lies behind them in the event is `spare`. */
  readonly size: number;
  readonly spare: number;
}

/** What C compilers leave behind the structure in shim's events (quirk `shim-spare-bytes`). */
const maxSpare = 8;

/** @throws {DecodeError} when the data are no UEFI_VARIABLE_DATA, or more than 8 bytes are left over */
export function decodeVariable(event: Uint8Array): Variable {
  const reader = new Reader(event);
  return reader.within(UefiVariableData.name, () => {
    const { variableName, unicodeName, variableData } = UefiVariableData.read(reader, {});
    if (reader.left > maxSpare) reader.finish();
    const name = utf16Text(unicodeName);
    return { guid: guidText(variableName), name, data: variableData, size: reader.offset, spare: reader.left };
  });
}

/** Event data for a variable. */
export function encodeVariable(guid: string, name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const unicodeName = new Uint8Array(Buffer.from(name, 'utf16le'));
  return encode(UefiVariableData, {
    variableName: guidBytes(guid),
    unicodeNameLength: BigInt(name.length),
    variableDataLength: BigInt(data.length),
    unicodeName,
    variableData: data,
  });
}
