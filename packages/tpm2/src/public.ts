import {
  bits,
  type Codec,
  decode,
  encode,
  type Infer,
  nothing,
  oneOf,
  sized,
  struct,
  u8,
  u16,
  u32,
  union,
} from '@vouchsafe/bytes/codec';
import { TpmiAlgHash, TpmiAlgHashOrNull, TpmiEccCurve } from './algorithms.ts';

// TPM 2.0 Library, Part 2: Structures. Clause numbers are those of revision 01.59.

/** 9.2 TPMI_YES_NO */
export const TpmiYesNo: Codec<boolean> = {
  name: 'TPMI_YES_NO',
  read(reader) {
    const at = reader.claim(1);
    const value = reader.view.getUint8(at);
    if (value > 1) reader.fail(`expected 0 or 1, found ${value}`, at);
    return value === 1;
  },
  write: (writer, value, siblings) => u8.write(writer, value ? 1 : 0, siblings),
};

/** 8.3 TPMA_OBJECT */
export const TpmaObject = bits('TPMA_OBJECT', u32, {
  fixedTPM: 1,
  stClear: 2,
  fixedParent: 4,
  sensitiveDataOrigin: 5,
  userWithAuth: 6,
  adminWithPolicy: 7,
  noDA: 10,
  encryptedDuplication: 11,
  restricted: 16,
  decrypt: 17,
  sign: 18,
  x509sign: 19,
});
export type TpmaObject = Infer<typeof TpmaObject>;

/** 10.4.2 TPM2B_DIGEST, TPM2B_NONCE, TPM2B_AUTH */
export const Tpm2bDigest = sized('TPM2B_DIGEST', u16, 64);
/** 10.4.3 TPM2B_DATA */
export const Tpm2bData = sized('TPM2B_DATA', u16, 66);
/** 10.5.3 TPM2B_NAME */
export const Tpm2bName = sized('TPM2B_NAME', u16, 66);
/** 11.2.4.5 TPM2B_PUBLIC_KEY_RSA */
export const Tpm2bPublicKeyRsa = sized('TPM2B_PUBLIC_KEY_RSA', u16, 512);
/** 11.2.5.1 TPM2B_ECC_PARAMETER */
export const Tpm2bEccParameter = sized('TPM2B_ECC_PARAMETER', u16, 66);

/** 11.2.5.2 TPMS_ECC_POINT */
export const TpmsEccPoint = struct('TPMS_ECC_POINT', { x: Tpm2bEccParameter, y: Tpm2bEccParameter });
export type TpmsEccPoint = Infer<typeof TpmsEccPoint>;

/** A scheme's details when they are no more than a hash algorithm. */
export const TpmsSchemeHash = struct('TPMS_SCHEME_HASH', { hashAlg: TpmiAlgHash });

const Mode = oneOf(u16, { ctr: 0x0040, ofb: 0x0041, cbc: 0x0042, cfb: 0x0043, ecb: 0x0044, null: 0x0010 });
const cipher = { aes: u16, sm4: u16, camellia: u16, tdes: u16, null: nothing };

/** 11.1.7 TPMT_SYM_DEF_OBJECT; keyBits counts bits */
export const TpmtSymDefObject = struct('TPMT_SYM_DEF_OBJECT', {
  algorithm: oneOf(u16, { tdes: 0x0003, aes: 0x0006, sm4: 0x0013, camellia: 0x0026, null: 0x0010 }),
  keyBits: union('algorithm', cipher),
  mode: union('algorithm', { aes: Mode, sm4: Mode, camellia: Mode, tdes: Mode, null: nothing }),
});
export type TpmtSymDefObject = Infer<typeof TpmtSymDefObject>;

/** 11.2.4.2 TPMT_RSA_SCHEME */
export const TpmtRsaScheme = struct('TPMT_RSA_SCHEME', {
  scheme: oneOf(u16, { rsassa: 0x0014, rsaes: 0x0015, rsapss: 0x0016, oaep: 0x0017, null: 0x0010 }),
  details: union('scheme', {
    rsassa: TpmsSchemeHash,
    rsaes: nothing,
    rsapss: TpmsSchemeHash,
    oaep: TpmsSchemeHash,
    null: nothing,
  }),
});

/** 11.2.5.6 TPMT_ECC_SCHEME */
export const TpmtEccScheme = struct('TPMT_ECC_SCHEME', {
  scheme: oneOf(u16, {
    ecdsa: 0x0018,
    ecdh: 0x0019,
    ecdaa: 0x001a,
    sm2: 0x001b,
    ecschnorr: 0x001c,
    ecmqv: 0x001d,
    null: 0x0010,
  }),
  details: union('scheme', {
    ecdsa: TpmsSchemeHash,
    ecdh: TpmsSchemeHash,
    ecdaa: struct('TPMS_SCHEME_ECDAA', { hashAlg: TpmiAlgHash, count: u16 }),
    sm2: TpmsSchemeHash,
    ecschnorr: TpmsSchemeHash,
    ecmqv: TpmsSchemeHash,
    null: nothing,
  }),
});

/** 11.2.3.3 TPMT_KDF_SCHEME */
export const TpmtKdfScheme = struct('TPMT_KDF_SCHEME', {
  scheme: oneOf(u16, { mgf1: 0x0007, kdf1Sp80056a: 0x0020, kdf2: 0x0021, kdf1Sp800108: 0x0022, null: 0x0010 }),
  details: union('scheme', {
    mgf1: TpmsSchemeHash,
    kdf1Sp80056a: TpmsSchemeHash,
    kdf2: TpmsSchemeHash,
    kdf1Sp800108: TpmsSchemeHash,
    null: nothing,
  }),
});

/** 11.1.23 TPMT_KEYEDHASH_SCHEME */
export const TpmtKeyedHashScheme = struct('TPMT_KEYEDHASH_SCHEME', {
  scheme: oneOf(u16, { hmac: 0x0005, xor: 0x000a, null: 0x0010 }),
  details: union('scheme', {
    hmac: TpmsSchemeHash,
    xor: struct('TPMS_SCHEME_XOR', { hashAlg: TpmiAlgHash, kdf: u16 }),
    null: nothing,
  }),
});

/** 12.2.3.5 TPMS_RSA_PARMS; exponent 0 stands for 65537 */
export const TpmsRsaParms = struct('TPMS_RSA_PARMS', {
  symmetric: TpmtSymDefObject,
  scheme: TpmtRsaScheme,
  keyBits: u16,
  exponent: u32,
});

/** 12.2.3.6 TPMS_ECC_PARMS */
export const TpmsEccParms = struct('TPMS_ECC_PARMS', {
  symmetric: TpmtSymDefObject,
  scheme: TpmtEccScheme,
  curveID: TpmiEccCurve,
  kdf: TpmtKdfScheme,
});

/** 12.2.4 TPMT_PUBLIC: the public area of an object */
export const TpmtPublic = struct('TPMT_PUBLIC', {
  type: oneOf(u16, { rsa: 0x0001, keyedhash: 0x0008, ecc: 0x0023, symcipher: 0x0025 }),
  nameAlg: TpmiAlgHashOrNull,
  objectAttributes: TpmaObject,
  authPolicy: Tpm2bDigest,
  parameters: union('type', {
    rsa: TpmsRsaParms,
    keyedhash: struct('TPMS_KEYEDHASH_PARMS', { scheme: TpmtKeyedHashScheme }),
    ecc: TpmsEccParms,
    symcipher: struct('TPMS_SYMCIPHER_PARMS', { sym: TpmtSymDefObject }),
  }),
  unique: union('type', {
    rsa: Tpm2bPublicKeyRsa,
    keyedhash: Tpm2bDigest,
    ecc: TpmsEccPoint,
    symcipher: Tpm2bDigest,
  }),
});
export type TpmtPublic = Infer<typeof TpmtPublic>;
/** The public area of one type of object. */
export type PublicOf<T extends TpmtPublic['type']> = Extract<TpmtPublic, { type: T }>;

/** No attribute set: what templates spread from. */
export const noAttributes: TpmaObject = {
  fixedTPM: false,
  stClear: false,
  fixedParent: false,
  sensitiveDataOrigin: false,
  userWithAuth: false,
  adminWithPolicy: false,
  noDA: false,
  encryptedDuplication: false,
  restricted: false,
  decrypt: false,
  sign: false,
  x509sign: false,
};

/**
 * The public area in `publicArea`, the bytes of a bare TPMT_PUBLIC (without the size of a TPM2B_PUBLIC).
 * @throws {DecodeError}
 */
export const decodePublic = (publicArea: Uint8Array): TpmtPublic => decode(TpmtPublic, publicArea);

/** The bytes of a public area, as TPM2_Create takes them inside TPM2B_PUBLIC. */
export const encodePublic = (area: TpmtPublic): Uint8Array<ArrayBuffer> => encode(TpmtPublic, area);
