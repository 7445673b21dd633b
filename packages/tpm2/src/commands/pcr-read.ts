import { struct, u32 } from '@vouchsafe/bytes/codec';
import type { HashName } from '../algorithms.ts';
import { command } from '../command.ts';
import { TpmlDigest } from '../digest.ts';
import { TpmError } from '../error.ts';
import { TpmlPcrSelection } from '../pcr-selection.ts';
import type { Tpm } from '../tpm.ts';

/** Part 3, 22.4 TPM2_PCR_Read */
export const PcrRead = command({
  name: 'TPM2_PCR_Read',
  code: 0x17e,
  parameters: struct('TPM2_PCR_Read', { pcrSelectionIn: TpmlPcrSelection }),
  results: struct('TPM2_PCR_Read', {
    pcrUpdateCounter: u32,
    pcrSelectionOut: TpmlPcrSelection,
    pcrValues: TpmlDigest,
  }),
});

/**
 * Values of PCRs of one bank, by index. A TPM yields at most eight at a time, so PCRs may change in between: whoever
 * needs them to agree with a quote checks `pcrDigestFault` and tries again.
 * @throws {TpmError} `missing` when the bank is not allocated, `answer` when other PCRs come than were asked for
 */
export async function pcrRead(tpm: Tpm, bank: HashName, pcrs: readonly number[]): Promise<Map<number, Uint8Array>> {
  const values = new Map<number, Uint8Array>();
  let wanted = [...new Set(pcrs)];
  while (wanted.length > 0) {
    const selection = [{ hash: bank, pcrSelect: wanted }];
    const { results } = await tpm.run(PcrRead, { pcrSelectionIn: selection });
    const read = results.pcrSelectionOut.find(({ hash }) => hash === bank)?.pcrSelect ?? [];
    if (read.length === 0) throw new TpmError('missing', `PCR ${wanted.join(', ')} of bank ${bank} cannot be read`);
    if (read.length !== results.pcrValues.length || read.some((pcr) => !wanted.includes(pcr)))
      throw new TpmError('answer', 'TPM2_PCR_Read: the values are not those of the selected PCRs');
    for (const [i, pcr] of read.entries()) values.set(pcr, results.pcrValues[i]!);
    wanted = wanted.filter((pcr) => !values.has(pcr));
  }
  return values;
}
