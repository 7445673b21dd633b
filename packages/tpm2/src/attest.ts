import { decode, type Infer, oneOf, rest, struct, u16, u32, u64, union } from '@vouchsafe/bytes/codec';
import { TpmlPcrSelection } from './pcr-selection.ts';
import { Tpm2bData, Tpm2bDigest, Tpm2bName, TpmiYesNo } from './public.ts';

/** Part 2, 6.2: what every structure that a TPM made by itself begins with ("\xffTCG"). */
export const tpmGeneratedValue = 0xff544347;

/** Part 2, 6.9: the TPM_ST_ATTEST_ tags. */
export const attestTypes = {
  nv: 0x8014,
  commandAudit: 0x8015,
  sessionAudit: 0x8016,
  certify: 0x8017,
  quote: 0x8018,
  time: 0x8019,
  creation: 0x801a,
  nvDigest: 0x801c,
} as const;
export type AttestType = keyof typeof attestTypes;

/** Part 2, 10.11.1 TPMS_CLOCK_INFO; clock counts milliseconds */
export const TpmsClockInfo = struct('TPMS_CLOCK_INFO', {
  clock: u64,
  resetCount: u32,
  restartCount: u32,
  safe: TpmiYesNo,
});
export type TpmsClockInfo = Infer<typeof TpmsClockInfo>;

/** Part 2, 10.12.3 TPMS_CERTIFY_INFO */
export const TpmsCertifyInfo = struct('TPMS_CERTIFY_INFO', { name: Tpm2bName, qualifiedName: Tpm2bName });
export type TpmsCertifyInfo = Infer<typeof TpmsCertifyInfo>;

/** Part 2, 10.12.4 TPMS_QUOTE_INFO */
export const TpmsQuoteInfo = struct('TPMS_QUOTE_INFO', { pcrSelect: TpmlPcrSelection, pcrDigest: Tpm2bDigest });
export type TpmsQuoteInfo = Infer<typeof TpmsQuoteInfo>;

const header = {
  qualifiedSigner: Tpm2bName,
  extraData: Tpm2bData,
  clockInfo: TpmsClockInfo,
  firmwareVersion: u64,
};

/** Part 2, 10.12.12 TPMS_ATTEST with magic and type open and the attested body as it came: what a verifier reads. */
export const TpmsAttestFrame = struct('TPMS_ATTEST', {
  magic: u32,
  type: u16,
  ...header,
  attested: rest('attested', 1024),
});
export type TpmsAttestFrame = Infer<typeof TpmsAttestFrame>;

/** Part 2, 10.12.12 TPMS_ATTEST in full; bodies that nothing here reads stay bytes. */
export const TpmsAttest = struct('TPMS_ATTEST', {
  magic: u32,
  type: oneOf(u16, attestTypes),
  ...header,
  attested: union('type', {
    nv: rest('TPMS_NV_CERTIFY_INFO', 4096),
    commandAudit: rest('TPMS_COMMAND_AUDIT_INFO', 256),
    sessionAudit: rest('TPMS_SESSION_AUDIT_INFO', 256),
    certify: TpmsCertifyInfo,
    quote: TpmsQuoteInfo,
    time: rest('TPMS_TIME_ATTEST_INFO', 64),
    creation: struct('TPMS_CREATION_INFO', { objectName: Tpm2bName, creationHash: Tpm2bDigest }),
    nvDigest: rest('TPMS_NV_DIGEST_CERTIFY_INFO', 256),
  }),
});
export type TpmsAttest = Infer<typeof TpmsAttest>;

/**
 * Reads the frame of a bare TPMS_ATTEST (never one inside a TPM2B_ATTEST). Magic and type are not judged here, so that
 * a forged one can be told from a malformed structure: see `magicFault` and `typeFault`.
 * @throws {DecodeError}
 */
export const decodeAttest = (bytes: Uint8Array): TpmsAttestFrame => decode(TpmsAttestFrame, bytes);

/** The body of a quote. Ask `typeFault` first whether it is one. @throws {DecodeError} */
export const quoteInfoOf = (attest: TpmsAttestFrame): TpmsQuoteInfo => decode(TpmsQuoteInfo, attest.attested);

/** The body of a certification. Ask `typeFault` first whether it is one. @throws {DecodeError} */
export const certifyInfoOf = (attest: TpmsAttestFrame): TpmsCertifyInfo => decode(TpmsCertifyInfo, attest.attested);
