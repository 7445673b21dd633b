import { type Codec, decode, encode, type Infer, list, struct, u32 } from '@vouchsafe/bytes/codec';
import { TpmiAlgHash } from './algorithms.ts';

/** PCRs of the PC Client profile (PC Client Platform TPM Profile, 4.6): 0 to 23, so three bytes of selection. */
export const pcrCount = 24;
const selectMin = pcrCount / 8;
const selectMax = 4;

/**
 * The indices of the selected PCRs, ascending. On the wire: sizeofSelect and that many bytes, bit n of byte m for PCR
 * 8m + n. Part 2, 10.6.1 wants at least as many bytes as the platform has PCRs for; a fourth byte is taken from TPMs
 * that write one, but no PCR above 23 may be selected.
 */
const PcrSelect: Codec<number[]> = {
  name: 'pcrSelect',
  read(reader) {
    const at = reader.offset;
    const size = reader.view.getUint8(reader.claim(1));
    if (size < selectMin || size > selectMax) reader.fail(`sizeofSelect is ${size}, expected ${selectMin}`, at);
    const selected = [...reader.take(size)].flatMap((byte, m) =>
      [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit) & 1).map((bit) => 8 * m + bit),
    );
    const beyond = selected.find((pcr) => pcr >= pcrCount);
    if (beyond !== undefined) reader.fail(`PCR ${beyond} is selected, the highest is ${pcrCount - 1}`, at);
    return selected;
  },
  write(writer, pcrs) {
    const bytes = new Uint8Array(1 + selectMin);
    bytes[0] = selectMin;
    for (const pcr of pcrs) {
      if (!Number.isInteger(pcr) || pcr < 0 || pcr >= pcrCount) throw new TypeError(`no such PCR: ${pcr}`);
      bytes[1 + (pcr >> 3)]! |= 1 << (pcr & 7);
    }
    writer.put(bytes);
  },
};

/** Part 2, 10.6.2 TPMS_PCR_SELECTION */
export const TpmsPcrSelection = struct('TPMS_PCR_SELECTION', { hash: TpmiAlgHash, pcrSelect: PcrSelect });
export type TpmsPcrSelection = Infer<typeof TpmsPcrSelection>;

const Selections = list('TPML_PCR_SELECTION', u32, TpmsPcrSelection, 16);

/** Part 2, 10.9.7 TPML_PCR_SELECTION. A bank may stand in it once only: two entries would be read differently. */
export const TpmlPcrSelection: Codec<TpmsPcrSelection[]> = {
  ...Selections,
  read(reader, siblings) {
    const at = reader.offset;
    const selections = Selections.read(reader, siblings);
    const banks = selections.map((selection) => selection.hash);
    const twice = banks.find((hash, i) => banks.indexOf(hash) !== i);
    if (twice !== undefined) reader.fail(`bank ${twice} stands twice in the selection`, at);
    return selections;
  },
};

/** Decodes a bare TPML_PCR_SELECTION. @throws {DecodeError} */
export const decodeSelection = (bytes: Uint8Array): TpmsPcrSelection[] => decode(TpmlPcrSelection, bytes);
/** The bytes of a TPML_PCR_SELECTION. @throws {TypeError} for a PCR above 23 */
export const encodeSelection = (selections: TpmsPcrSelection[]) => encode(TpmlPcrSelection, selections);
