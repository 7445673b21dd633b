import { equalBytes } from '@vouchsafe/bytes/equal';
import { hex } from '@vouchsafe/bytes/hex';
import type { HashName } from './algorithms.ts';
import { type AttestType, attestTypes, type TpmsAttestFrame, type TpmsQuoteInfo, tpmGeneratedValue } from './attest.ts';
import { TpmError } from './error.ts';
import type { Fault } from './fault.ts';
import { type PcrValues, quoteDigest } from './quote-digest.ts';

/** Stops a blob that a key signed as foreign data: only the TPM itself begins a structure with TPM_GENERATED_VALUE. */
export const magicFault = (attest: TpmsAttestFrame): Fault | undefined =>
  attest.magic === tpmGeneratedValue
    ? undefined
    : { code: 'attest.magic', detail: `magic is 0x${attest.magic.toString(16)}, expected 0xff544347` };

/** Stops a certification, a time stamp and the like in the place of a quote. */
export function typeFault(attest: TpmsAttestFrame, expected: AttestType = 'quote'): Fault | undefined {
  if (attest.type === attestTypes[expected]) return undefined;
  const found = Object.entries(attestTypes).find(([, value]) => value === attest.type);
  const what = found?.[0] ?? `0x${attest.type.toString(16)}`;
  return { code: 'attest.type', detail: `type is ${what}, expected ${expected}` };
}

/** Stops a replay: extraData is what the verifier asked the TPM to sign along. */
export const extraDataFault = (attest: TpmsAttestFrame, expected: Uint8Array): Fault | undefined =>
  equalBytes(attest.extraData, expected)
    ? undefined
    : {
        code: 'attest.extraData',
        detail: `extraData is ${hex(attest.extraData) || 'empty'}, expected ${hex(expected)}`,
      };

/** Stops a key that is not where it should be; see `qualifiedNameOf`. */
export const qualifiedSignerFault = (attest: TpmsAttestFrame, expected: Uint8Array): Fault | undefined =>
  equalBytes(attest.qualifiedSigner, expected)
    ? undefined
    : {
        code: 'attest.qualifiedSigner',
        detail: `qualifiedSigner is ${hex(attest.qualifiedSigner) || 'empty'}, expected ${hex(expected)}`,
      };

/** Stops a quote over other PCRs: all of `pcrs` must be selected in `bank`. More may be. */
export function selectionFault(quote: TpmsQuoteInfo, bank: HashName, pcrs: readonly number[]): Fault | undefined {
  const selected = new Set(quote.pcrSelect.find(({ hash }) => hash === bank)?.pcrSelect);
  const missing = pcrs.filter((pcr) => !selected.has(pcr));
  if (pcrs.length > 0 && missing.length === 0) return undefined;
  const what = pcrs.length === 0 ? 'no PCR is required' : `PCR ${missing.join(', ')} of bank ${bank} not in the quote`;
  return { code: 'quote.selection', detail: what };
}

/**
 * Stops PCR values that the TPM does not vouch for: they must hash to pcrDigest in the quote's own order. Values of PCRs
 * outside the selection prove nothing: drop them with `quotedValues`.
 * @param hash the hash of the signing key's scheme, see `signingSchemeOf`
 */
export function pcrDigestFault(quote: TpmsQuoteInfo, values: PcrValues, hash: HashName): Fault | undefined {
  try {
    const digest = quoteDigest(quote.pcrSelect, values, hash);
    if (equalBytes(digest, quote.pcrDigest)) return undefined;
    return { code: 'quote.digest', detail: `pcrDigest is ${hex(quote.pcrDigest)}, the values hash to ${hex(digest)}` };
  } catch (error) {
    if (error instanceof TpmError) return { code: 'quote.digest', detail: error.message };
    throw error;
  }
}

/** The values of the PCRs that the quote selects, and no others. */
export function quotedValues(quote: TpmsQuoteInfo, values: PcrValues): PcrValues {
  const kept: PcrValues = {};
  for (const { hash, pcrSelect } of quote.pcrSelect) {
    const bank = values[hash] ?? new Map<number, Uint8Array>();
    kept[hash] = new Map([...bank].filter(([pcr]) => pcrSelect.includes(pcr)));
  }
  return kept;
}
