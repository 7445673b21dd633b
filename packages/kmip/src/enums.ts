/**
 * Enumerations of KMIP 1.4, 9.1.3.2, and what 2.0 and 2.1 added, as name and number; extensions (8xxxxxxx) belong to
 * vendors and are not listed.
 */

/** KMIP 1.4, 9.1.3.2.1. */
export const credentialType = {
  'Username and Password': 1,
  Device: 2,
  Attestation: 3,
  'One Time Password': 4,
  'Hashed Password': 5,
  Ticket: 6,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.2. */
export const keyCompressionType = {
  'EC Public Key Type Uncompressed': 1,
  'EC Public Key Type X9.62 Compressed Prime': 2,
  'EC Public Key Type X9.62 Compressed Char2': 3,
  'EC Public Key Type X9.62 Hybrid': 4,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.3. */
export const keyFormatType = {
  Raw: 1,
  Opaque: 2,
  'PKCS#1': 3,
  'PKCS#8': 4,
  'X.509': 5,
  ECPrivateKey: 6,
  'Transparent Symmetric Key': 7,
  'Transparent DSA Private Key': 8,
  'Transparent DSA Public Key': 9,
  'Transparent RSA Private Key': 10,
  'Transparent RSA Public Key': 11,
  'Transparent DH Private Key': 12,
  'Transparent DH Public Key': 13,
  'Transparent ECDSA Private Key': 14,
  'Transparent ECDSA Public Key': 15,
  'Transparent ECDH Private Key': 16,
  'Transparent ECDH Public Key': 17,
  'Transparent ECMQV Private Key': 18,
  'Transparent ECMQV Public Key': 19,
  'Transparent EC Private Key': 20,
  'Transparent EC Public Key': 21,
  'PKCS#12': 22,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.4. */
export const wrappingMethod = {
  Encrypt: 1,
  'MAC/sign': 2,
  'Encrypt then MAC/sign': 3,
  'MAC/sign then encrypt': 4,
  'TR-31': 5,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.5. */
export const recommendedCurve = {
  'P-192': 1,
  'K-163': 2,
  'B-163': 3,
  'P-224': 4,
  'K-233': 5,
  'B-233': 6,
  'P-256': 7,
  'K-283': 8,
  'B-283': 9,
  'P-384': 10,
  'K-409': 11,
  'B-409': 12,
  'P-521': 13,
  'K-571': 14,
  'B-571': 15,
  SECP112R1: 16,
  SECP112R2: 17,
  SECP128R1: 18,
  SECP128R2: 19,
  SECP160K1: 20,
  SECP160R1: 21,
  SECP160R2: 22,
  SECP192K1: 23,
  SECP224K1: 24,
  SECP256K1: 25,
  SECT113R1: 26,
  SECT113R2: 27,
  SECT131R1: 28,
  SECT131R2: 29,
  SECT163R1: 30,
  SECT193R1: 31,
  SECT193R2: 32,
  SECT239K1: 33,
  ANSIX9P192V2: 34,
  ANSIX9P192V3: 35,
  ANSIX9P239V1: 36,
  ANSIX9P239V2: 37,
  ANSIX9P239V3: 38,
  ANSIX9C2PNB163V1: 39,
  ANSIX9C2PNB163V2: 40,
  ANSIX9C2PNB163V3: 41,
  ANSIX9C2PNB176V1: 42,
  ANSIX9C2TNB191V1: 43,
  ANSIX9C2TNB191V2: 44,
  ANSIX9C2TNB191V3: 45,
  ANSIX9C2PNB208W1: 46,
  ANSIX9C2TNB239V1: 47,
  ANSIX9C2TNB239V2: 48,
  ANSIX9C2TNB239V3: 49,
  ANSIX9C2PNB272W1: 50,
  ANSIX9C2PNB304W1: 51,
  ANSIX9C2TNB359V1: 52,
  ANSIX9C2PNB368W1: 53,
  ANSIX9C2TNB431R1: 54,
  BRAINPOOLP160R1: 55,
  BRAINPOOLP160T1: 56,
  BRAINPOOLP192R1: 57,
  BRAINPOOLP192T1: 58,
  BRAINPOOLP224R1: 59,
  BRAINPOOLP224T1: 60,
  BRAINPOOLP256R1: 61,
  BRAINPOOLP256T1: 62,
  BRAINPOOLP320R1: 63,
  BRAINPOOLP320T1: 64,
  BRAINPOOLP384R1: 65,
  BRAINPOOLP384T1: 66,
  BRAINPOOLP512R1: 67,
  BRAINPOOLP512T1: 68,
  CURVE25519: 69,
  CURVE448: 70,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.6. */
export const certificateType = {
  'X.509': 1,
  PGP: 2,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.7. */
export const digitalSignatureAlgorithm = {
  'MD2 with RSA Encryption': 1,
  'MD5 with RSA Encryption': 2,
  'SHA-1 with RSA Encryption': 3,
  'SHA-224 with RSA Encryption': 4,
  'SHA-256 with RSA Encryption': 5,
  'SHA-384 with RSA Encryption': 6,
  'SHA-512 with RSA Encryption': 7,
  'RSASSA-PSS': 8,
  'DSA with SHA-1': 9,
  'DSA with SHA224': 10,
  'DSA with SHA256': 11,
  'ECDSA with SHA-1': 12,
  'ECDSA with SHA224': 13,
  'ECDSA with SHA256': 14,
  'ECDSA with SHA384': 15,
  'ECDSA with SHA512': 16,
  'SHA3-256 with RSA Encryption': 17,
  'SHA3-384 with RSA Encryption': 18,
  'SHA3-512 with RSA Encryption': 19,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.8. */
export const splitKeyMethod = {
  XOR: 1,
  'Polynomial Sharing GF (2^16)': 2,
  'Polynomial Sharing Prime Field': 3,
  'Polynomial Sharing GF (2^8)': 4,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.9. */
export const secretDataType = {
  Password: 1,
  Seed: 2,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.11. */
export const nameType = {
  'Uninterpreted Text String': 1,
  URI: 2,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.12. */
export const objectType = {
  Certificate: 1,
  'Symmetric Key': 2,
  'Public Key': 3,
  'Private Key': 4,
  'Split Key': 5,
  Template: 6,
  'Secret Data': 7,
  'Opaque Object': 8,
  'PGP Key': 9,
  'Certificate Request': 10,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.13. */
export const cryptographicAlgorithm = {
  DES: 1,
  '3DES': 2,
  AES: 3,
  RSA: 4,
  DSA: 5,
  ECDSA: 6,
  'HMAC-SHA1': 7,
  'HMAC-SHA224': 8,
  'HMAC-SHA256': 9,
  'HMAC-SHA384': 10,
  'HMAC-SHA512': 11,
  'HMAC-MD5': 12,
  DH: 13,
  ECDH: 14,
  ECMQV: 15,
  Blowfish: 16,
  Camellia: 17,
  CAST5: 18,
  IDEA: 19,
  MARS: 20,
  RC2: 21,
  RC4: 22,
  RC5: 23,
  SKIPJACK: 24,
  Twofish: 25,
  EC: 26,
  'One Time Pad': 27,
  ChaCha20: 28,
  Poly1305: 29,
  ChaCha20Poly1305: 30,
  'SHA3-224': 31,
  'SHA3-256': 32,
  'SHA3-384': 33,
  'SHA3-512': 34,
  'HMAC-SHA3-224': 35,
  'HMAC-SHA3-256': 36,
  'HMAC-SHA3-384': 37,
  'HMAC-SHA3-512': 38,
  'SHAKE-128': 39,
  'SHAKE-256': 40,
  ARIA: 41,
  SEED: 42,
  SM2: 43,
  SM3: 44,
  SM4: 45,
  'GOST R 34.10-2012': 46,
  'GOST R 34.11-2012': 47,
  'GOST R 34.13-2015': 48,
  'GOST 28147-89': 49,
  XMSS: 50,
  'SPHINCS-256': 51,
  McEliece: 52,
  'McEliece-6960119': 53,
  'McEliece-8192128': 54,
  Ed25519: 55,
  Ed448: 56,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.14. */
export const blockCipherMode = {
  CBC: 1,
  ECB: 2,
  PCBC: 3,
  CFB: 4,
  OFB: 5,
  CTR: 6,
  CMAC: 7,
  CCM: 8,
  GCM: 9,
  'CBC-MAC': 10,
  XTS: 11,
  AESKeyWrapPadding: 12,
  NISTKeyWrap: 13,
  'X9.102 AESKW': 14,
  'X9.102 TDKW': 15,
  'X9.102 AKW1': 16,
  'X9.102 AKW2': 17,
  AEAD: 18,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.15. */
export const paddingMethod = {
  None: 1,
  OAEP: 2,
  PKCS5: 3,
  SSL3: 4,
  Zeros: 5,
  'ANSI X9.23': 6,
  'ISO 10126': 7,
  'PKCS1 v1.5': 8,
  'X9.31': 9,
  PSS: 10,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.16. */
export const hashingAlgorithm = {
  MD2: 1,
  MD4: 2,
  MD5: 3,
  'SHA-1': 4,
  'SHA-224': 5,
  'SHA-256': 6,
  'SHA-384': 7,
  'SHA-512': 8,
  'RIPEMD-160': 9,
  Tiger: 10,
  Whirlpool: 11,
  'SHA-512/224': 12,
  'SHA-512/256': 13,
  'SHA-3-224': 14,
  'SHA-3-256': 15,
  'SHA-3-384': 16,
  'SHA-3-512': 17,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.17. */
export const keyRoleType = {
  BDK: 1,
  CVK: 2,
  DEK: 3,
  MKAC: 4,
  MKSMC: 5,
  MKSMI: 6,
  MKDAC: 7,
  MKDN: 8,
  MKCP: 9,
  MKOTH: 10,
  KEK: 11,
  MAC16609: 12,
  MAC97971: 13,
  MAC97972: 14,
  MAC97973: 15,
  MAC97974: 16,
  MAC97975: 17,
  ZPK: 18,
  PVKIBM: 19,
  PVKPVV: 20,
  PVKOTH: 21,
  DUKPT: 22,
  IV: 23,
  TRKBK: 24,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.18. */
export const state = {
  'Pre-Active': 1,
  Active: 2,
  Deactivated: 3,
  Compromised: 4,
  Destroyed: 5,
  'Destroyed Compromised': 6,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.19. */
export const revocationReasonCode = {
  Unspecified: 1,
  'Key Compromise': 2,
  'CA Compromise': 3,
  'Affiliation Changed': 4,
  Superseded: 5,
  'Cessation of Operation': 6,
  'Privilege Withdrawn': 7,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.20. */
export const linkType = {
  'Certificate Link': 257,
  'Public Key Link': 258,
  'Private Key Link': 259,
  'Derivation Base Object Link': 260,
  'Derived Key Link': 261,
  'Replacement Object Link': 262,
  'Replaced Object Link': 263,
  'Parent Link': 264,
  'Child Link': 265,
  'Previous Link': 266,
  'Next Link': 267,
  'PKCS#12 Certificate Link': 268,
  'PKCS#12 Password Link': 269,
  'Wrapping Key Link': 270,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.21. */
export const derivationMethod = {
  PBKDF2: 1,
  HASH: 2,
  HMAC: 3,
  ENCRYPT: 4,
  'NIST800 - 108 - C': 5,
  'NIST800 - 108 - F': 6,
  'NIST800 - 108 - DPI': 7,
  'Asymmetric Key': 8,
  'AWS Signature Version 4': 9,
  HKDF: 10,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.22. */
export const certificateRequestType = {
  CRMF: 1,
  'PKCS#10': 2,
  PEM: 3,
  PGP: 4,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.23. */
export const validityIndicator = {
  Valid: 1,
  Invalid: 2,
  Unknown: 3,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.24. */
export const queryFunction = {
  'Query Operations': 1,
  'Query Objects': 2,
  'Query Server Information': 3,
  'Query Application Namespaces': 4,
  'Query Extension List': 5,
  'Query Extension Map': 6,
  'Query Attestation Types': 7,
  'Query RNGs': 8,
  'Query Validations': 9,
  'Query Profiles': 10,
  'Query Capabilities': 11,
  'Query Client Registration Methods': 12,
  'Query Defaults Information': 13,
  'Query Storage Protection Masks': 14,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.25. */
export const cancellationResult = {
  Canceled: 1,
  'Unable to Cancel': 2,
  Completed: 3,
  Failed: 4,
  Unavailable: 5,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.26. */
export const putFunction = {
  New: 1,
  Replace: 2,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.27. */
export const operation = {
  Create: 1,
  'Create Key Pair': 2,
  Register: 3,
  'Re-key': 4,
  'Derive Key': 5,
  Certify: 6,
  'Re-certify': 7,
  Locate: 8,
  Check: 9,
  Get: 10,
  'Get Attributes': 11,
  'Get Attribute List': 12,
  'Add Attribute': 13,
  'Modify Attribute': 14,
  'Delete Attribute': 15,
  'Obtain Lease': 16,
  'Get Usage Allocation': 17,
  Activate: 18,
  Revoke: 19,
  Destroy: 20,
  Archive: 21,
  Recover: 22,
  Validate: 23,
  Query: 24,
  Cancel: 25,
  Poll: 26,
  Notify: 27,
  Put: 28,
  'Re-key Key Pair': 29,
  'Discover Versions': 30,
  Encrypt: 31,
  Decrypt: 32,
  Sign: 33,
  'Signature Verify': 34,
  MAC: 35,
  'MAC Verify': 36,
  'RNG Retrieve': 37,
  'RNG Seed': 38,
  Hash: 39,
  'Create Split Key': 40,
  'Join Split Key': 41,
  Import: 42,
  Export: 43,
  Log: 44,
  Login: 45,
  Logout: 46,
  'Delegated Login': 47,
  'Adjust Attribute': 48,
  'Set Attribute': 49,
  'Set Endpoint Role': 50,
  'PKCS#11': 51,
  Interop: 52,
  'Re-Provision': 53,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.28. */
export const resultStatus = {
  Success: 0,
  'Operation Failed': 1,
  'Operation Pending': 2,
  'Operation Undone': 3,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.29. */
export const resultReason = {
  'Item Not Found': 1,
  'Response Too Large': 2,
  'Authentication Not Successful': 3,
  'Invalid Message': 4,
  'Operation Not Supported': 5,
  'Missing Data': 6,
  'Invalid Field': 7,
  'Feature Not Supported': 8,
  'Operation Canceled By Requester': 9,
  'Cryptographic Failure': 10,
  'Illegal Operation': 11,
  'Permission Denied': 12,
  'Object archived': 13,
  'Index Out of Bounds': 14,
  'Application Namespace Not Supported': 15,
  'Key Format Type Not Supported': 16,
  'Key Compression Type Not Supported': 17,
  'Encoding Option Error': 18,
  'Key Value Not Present': 19,
  'Attestation Required': 20,
  'Attestation Failed': 21,
  Sensitive: 22,
  'Not Extractable': 23,
  'Object Already Exists': 24,
  'General Failure': 256,
  'Invalid Ticket': 25,
  'Usage Limit Exceeded': 26,
  'Numeric Range': 27,
  'Invalid Data Type': 28,
  'Read Only Attribute': 29,
  'Multi Valued Attribute': 30,
  'Unsupported Attribute': 31,
  'Attribute Instance Not Found': 32,
  'Attribute Not Found': 33,
  'Attribute Read Only': 34,
  'Attribute Single Valued': 35,
  'Bad Cryptographic Parameters': 36,
  'Bad Password': 37,
  'Codec Error': 38,
  'Illegal Object Type': 40,
  'Incompatible Cryptographic Usage Mask': 41,
  'Internal Server Error': 42,
  'Invalid Asynchronous Correlation Value': 43,
  'Invalid Attribute': 44,
  'Invalid Attribute Value': 45,
  'Invalid Correlation Value': 46,
  'Invalid CSR': 47,
  'Invalid Object Type': 48,
  'Key Wrap Type Not Supported': 50,
  'Missing Initialization Vector': 52,
  'Non Unique Name Attribute': 53,
  'Object Destroyed': 54,
  'Object Not Found': 55,
  'Not Authorized': 57,
  'Server Limit Exceeded': 58,
  'Unknown Enumeration': 59,
  'Unknown Message Extension': 60,
  'Unknown Tag': 61,
  'Unsupported Cryptographic Parameters': 62,
  'Unsupported Protocol Version': 63,
  'Wrapping Object Archived': 64,
  'Wrapping Object Destroyed': 65,
  'Wrapping Object Not Found': 66,
  'Wrong Key Lifecycle State': 67,
  'Protection Storage Unavailable': 68,
  'PKCS#11 Codec Error': 69,
  'PKCS#11 Invalid Function': 70,
  'PKCS#11 Invalid Interface': 71,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.30. */
export const batchErrorContinuationOption = {
  Continue: 1,
  Stop: 2,
  Undo: 3,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.31. */
export const usageLimitsUnit = {
  Byte: 1,
  Object: 2,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.32. */
export const encodingOption = {
  'No Encoding': 1,
  'TTLV Encoding': 2,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.33. */
export const objectGroupMember = {
  'Group Member Fresh': 1,
  'Group Member Default': 2,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.34. */
export const alternativeNameType = {
  'Uninterpreted Text String': 1,
  URI: 2,
  'Object Serial Number': 3,
  'Email Address': 4,
  'DNS Name': 5,
  'X.500 Distinguished Name': 6,
  'IP Address': 7,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.35. */
export const keyValueLocationType = {
  'Uninterpreted Text String': 1,
  URI: 2,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.36. */
export const attestationType = {
  'TPM Quote': 1,
  'TCG Integrity Report': 2,
  'SAML Assertion': 3,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.37. */
export const rngAlgorithm = {
  Unspecified: 1,
  'FIPS 186-2': 2,
  DRBG: 3,
  NRBG: 4,
  'ANSI X9.31': 5,
  'ANSI X9.62': 6,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.38. */
export const drbgAlgorithm = {
  Unspecified: 1,
  'Dual - EC': 2,
  Hash: 3,
  HMAC: 4,
  CTR: 5,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.39. */
export const fips186Variation = {
  Unspecified: 1,
  'GP x-Original': 2,
  'GP x-Change Notice': 3,
  'x-Original': 4,
  'x-Change Notice': 5,
  'k-Original': 6,
  'k-Change Notice': 7,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.40. */
export const validationAuthorityType = {
  Unspecified: 1,
  'NIST CMVP': 2,
  'Common Criteria': 3,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.41. */
export const validationType = {
  Unspecified: 1,
  Hardware: 2,
  Software: 3,
  Firmware: 4,
  Hybrid: 5,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.42. */
export const profileName = {
  'Baseline Server Basic KMIP v1.2': 1,
  'Baseline Server TLS v1.2 KMIP v1.2': 2,
  'Baseline Client Basic KMIP v1.2': 3,
  'Baseline Client TLS v1.2 KMIP v1.2': 4,
  'Complete Server Basic KMIP v1.2': 5,
  'Complete Server TLS v1.2 KMIP v1.2': 6,
  'Tape Library Client KMIP v1.0': 7,
  'Tape Library Client KMIP v1.1': 8,
  'Tape Library Client KMIP v1.2': 9,
  'Tape Library Server KMIP v1.0': 10,
  'Tape Library Server KMIP v1.1': 11,
  'Tape Library Server KMIP v1.2': 12,
  'Symmetric Key Lifecycle Client KMIP v1.0': 13,
  'Symmetric Key Lifecycle Client KMIP v1.1': 14,
  'Symmetric Key Lifecycle Client KMIP v1.2': 15,
  'Symmetric Key Lifecycle Server KMIP v1.0': 16,
  'Symmetric Key Lifecycle Server KMIP v1.1': 17,
  'Symmetric Key Lifecycle Server KMIP v1.2': 18,
  'Asymmetric Key Lifecycle Client KMIP v1.0': 19,
  'Asymmetric Key Lifecycle Client KMIP v1.1': 20,
  'Asymmetric Key Lifecycle Client KMIP v1.2': 21,
  'Asymmetric Key Lifecycle Server KMIP v1.0': 22,
  'Asymmetric Key Lifecycle Server KMIP v1.1': 23,
  'Asymmetric Key Lifecycle Server KMIP v1.2': 24,
  'Basic Cryptographic Client KMIP v1.2': 25,
  'Basic Cryptographic Server KMIP v1.2': 26,
  'Advanced Cryptographic Client KMIP v1.2': 27,
  'Advanced Cryptographic Server KMIP v1.2': 28,
  'RNG Cryptographic Client KMIP v1.2': 29,
  'RNG Cryptographic Server KMIP v1.2': 30,
  'Basic Symmetric Key Foundry Client KMIP v1.0': 31,
  'Intermediate Symmetric Key Foundry Client KMIP v1.0': 32,
  'Advanced Symmetric Key Foundry Client KMIP v1.0': 33,
  'Basic Symmetric Key Foundry Client KMIP v1.1': 34,
  'Intermediate Symmetric Key Foundry Client KMIP v1.1': 35,
  'Advanced Symmetric Key Foundry Client KMIP v1.1': 36,
  'Basic Symmetric Key Foundry Client KMIP v1.2': 37,
  'Intermediate Symmetric Key Foundry Client KMIP v1.2': 38,
  'Advanced Symmetric Key Foundry Client KMIP v1.2': 39,
  'Symmetric Key Foundry Server KMIP v1.0': 40,
  'Symmetric Key Foundry Server KMIP v1.1': 41,
  'Symmetric Key Foundry Server KMIP v1.2': 42,
  'Opaque Managed Object Store Client KMIP v1.0': 43,
  'Opaque Managed Object Store Client KMIP v1.1': 44,
  'Opaque Managed Object Store Client KMIP v1.2': 45,
  'Opaque Managed Object Store Server KMIP v1.0': 46,
  'Opaque Managed Object Store Server KMIP v1.1': 47,
  'Opaque Managed Object Store Server KMIP v1.2': 48,
  'Suite B minLOS_128 Client KMIP v1.0': 49,
  'Suite B minLOS_128 Client KMIP v1.1': 50,
  'Suite B minLOS_128 Client KMIP v1.2': 51,
  'Suite B minLOS_128 Server KMIP v1.0': 52,
  'Suite B minLOS_128 Server KMIP v1.1': 53,
  'Suite B minLOS_128 Server KMIP v1.2': 54,
  'Suite B minLOS_192 Client KMIP v1.0': 55,
  'Suite B minLOS_192 Client KMIP v1.1': 56,
  'Suite B minLOS_192 Client KMIP v1.2': 57,
  'Suite B minLOS_192 Server KMIP v1.0': 58,
  'Suite B minLOS_192 Server KMIP v1.1': 59,
  'Suite B minLOS_192 Server KMIP v1.2': 60,
  'Storage Array with Self Encrypting Drive Client KMIP v1.0': 61,
  'Storage Array with Self Encrypting Drive Client KMIP v1.1': 62,
  'Storage Array with Self Encrypting Drive Client KMIP v1.2': 63,
  'Storage Array with Self Encrypting Drive Server KMIP v1.0': 64,
  'Storage Array with Self Encrypting Drive Server KMIP v1.1': 65,
  'Storage Array with Self Encrypting Drive Server KMIP v1.2': 66,
  'HTTPS Client KMIP v1.0': 67,
  'HTTPS Client KMIP v1.1': 68,
  'HTTPS Client KMIP v1.2': 69,
  'HTTPS Server KMIP v1.0': 70,
  'HTTPS Server KMIP v1.1': 71,
  'HTTPS Server KMIP v1.2': 72,
  'JSON Client KMIP v1.0': 73,
  'JSON Client KMIP v1.1': 74,
  'JSON Client KMIP v1.2': 75,
  'JSON Server KMIP v1.0': 76,
  'JSON Server KMIP v1.1': 77,
  'JSON Server KMIP v1.2': 78,
  'XML Client KMIP v1.0': 79,
  'XML Client KMIP v1.1': 80,
  'XML Client KMIP v1.2': 81,
  'XML Server KMIP v1.0': 82,
  'XML Server KMIP v1.1': 83,
  'XML Server KMIP v1.2': 84,
  'Baseline Server Basic KMIP v1.3': 85,
  'Baseline Server TLS v1.2 KMIP v1.3': 86,
  'Baseline Client Basic KMIP v1.3': 87,
  'Baseline Client TLS v1.2 KMIP v1.3': 88,
  'Complete Server Basic KMIP v1.3': 89,
  'Complete Server TLS v1.2 KMIP v1.3': 90,
  'Tape Library Client KMIP v1.3': 91,
  'Tape Library Server KMIP v1.3': 92,
  'Symmetric Key Lifecycle Client KMIP v1.3': 93,
  'Symmetric Key Lifecycle Server KMIP v1.3': 94,
  'Asymmetric Key Lifecycle Client KMIP v1.3': 95,
  'Asymmetric Key Lifecycle Server KMIP v1.3': 96,
  'Basic Cryptographic Client KMIP v1.3': 97,
  'Basic Cryptographic Server KMIP v1.3': 98,
  'Advanced Cryptographic Client KMIP v1.3': 99,
  'Advanced Cryptographic Server KMIP v1.3': 100,
  'RNG Cryptographic Client KMIP v1.3': 101,
  'RNG Cryptographic Server KMIP v1.3': 102,
  'Basic Symmetric Key Foundry Client KMIP v1.3': 103,
  'Intermediate Symmetric Key Foundry Client KMIP v1.3': 104,
  'Advanced Symmetric Key Foundry Client KMIP v1.3': 105,
  'Symmetric Key Foundry Server KMIP v1.3': 106,
  'Opaque Managed Object Store Client KMIP v1.3': 107,
  'Opaque Managed Object Store Server KMIP v1.3': 108,
  'Suite B minLOS_128 Client KMIP v1.3': 109,
  'Suite B minLOS_128 Server KMIP v1.3': 110,
  'Suite B minLOS_192 Client KMIP v1.3': 111,
  'Suite B minLOS_192 Server KMIP v1.3': 112,
  'Storage Array with Self Encrypting Drive Client KMIP v1.3': 113,
  'Storage Array with Self Encrypting Drive Server KMIP v1.3': 114,
  'HTTPS Client KMIP v1.3': 115,
  'HTTPS Server KMIP v1.3': 116,
  'JSON Client KMIP v1.3': 117,
  'JSON Server KMIP v1.3': 118,
  'XML Client KMIP v1.3': 119,
  'XML Server KMIP v1.3': 120,
  'Baseline Server Basic KMIP v1.4': 121,
  'Baseline Server TLS v1.2 KMIP v1.4': 122,
  'Baseline Client Basic KMIP v1.4': 123,
  'Baseline Client TLS v1.2 KMIP v1.4': 124,
  'Complete Server Basic KMIP v1.4': 125,
  'Complete Server TLS v1.2 KMIP v1.4': 126,
  'Tape Library Client KMIP v1.4': 127,
  'Tape Library Server KMIP v1.4': 128,
  'Symmetric Key Lifecycle Client KMIP v1.4': 129,
  'Symmetric Key Lifecycle Server KMIP v1.4': 130,
  'Asymmetric Key Lifecycle Client KMIP v1.4': 131,
  'Asymmetric Key Lifecycle Server KMIP v1.4': 132,
  'Basic Cryptographic Client KMIP v1.4': 133,
  'Basic Cryptographic Server KMIP v1.4': 134,
  'Advanced Cryptographic Client KMIP v1.4': 135,
  'Advanced Cryptographic Server KMIP v1.4': 136,
  'RNG Cryptographic Client KMIP v1.4': 137,
  'RNG Cryptographic Server KMIP v1.4': 138,
  'Basic Symmetric Key Foundry Client KMIP v1.4': 139,
  'Intermediate Symmetric Key Foundry Client KMIP v1.4': 140,
  'Advanced Symmetric Key Foundry Client KMIP v1.4': 141,
  'Symmetric Key Foundry Server KMIP v1.4': 142,
  'Opaque Managed Object Store Client KMIP v1.4': 143,
  'Opaque Managed Object Store Server KMIP v1.4': 144,
  'Suite B minLOS_128 Client KMIP v1.4': 145,
  'Suite B minLOS_128 Server KMIP v1.4': 146,
  'Suite B minLOS_192 Client KMIP v1.4': 147,
  'Suite B minLOS_192 Server KMIP v1.4': 148,
  'Storage Array with Self Encrypting Drive Client KMIP v1.4': 149,
  'Storage Array with Self Encrypting Drive Server KMIP v1.4': 150,
  'HTTPS Client KMIP v1.4': 151,
  'HTTPS Server KMIP v1.4': 152,
  'JSON Client KMIP v1.4': 153,
  'JSON Server KMIP v1.4': 154,
  'XML Client KMIP v1.4': 155,
  'XML Server KMIP v1.4': 156,
  'Complete Server Basic': 260,
  'Complete Server TLS v1.2': 261,
  'Tape Library Client': 262,
  'Tape Library Server': 263,
  'Symmetric Key Lifecycle Client': 264,
  'Symmetric Key Lifecycle Server': 265,
  'Asymmetric Key Lifecycle Client': 266,
  'Asymmetric Key Lifecycle Server': 267,
  'Basic Cryptographic Client': 268,
  'Basic Cryptographic Server': 269,
  'Advanced Cryptographic Client': 270,
  'Advanced Cryptographic Server': 271,
  'RNG Cryptographic Client': 272,
  'RNG Cryptographic Server': 273,
  'Basic Symmetric Key Foundry Client': 274,
  'Intermediate Symmetric Key Foundry Client': 275,
  'Advanced Symmetric Key Foundry Client': 276,
  'Symmetric Key Foundry Server': 277,
  'Opaque Managed Object Store Client': 278,
  'Opaque Managed Object Store Server': 279,
  'Suite B minLOS_128 Client': 280,
  'Suite B minLOS_128 Server': 281,
  'Suite B minLOS_192 Client': 282,
  'Suite B minLOS_192 Server': 283,
  'Storage Array with Self Encrypting Drive Client': 284,
  'Storage Array with Self Encrypting Drive Server': 285,
  'HTTPS Client': 286,
  'HTTPS Server': 287,
  'JSON Client': 288,
  'JSON Server': 289,
  'XML Client': 290,
  'XML Server': 291,
  'AES XTS Client': 292,
  'AES XTS Server': 293,
  'Quantum Safe Client': 294,
  'Quantum Safe Server': 295,
  'PKCS#11 Client': 296,
  'PKCS#11 Server': 297,
  'Baseline Client': 298,
  'Baseline Server': 299,
  'Complete Server': 300,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.43. */
export const unwrapMode = {
  Unspecified: 1,
  Processed: 2,
  'Not Processed': 3,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.44. */
export const destroyAction = {
  Unspecified: 1,
  'Key Material Deleted': 2,
  'Key Material Shredded': 3,
  'Meta Data Deleted': 4,
  'Meta Data Shredded': 5,
  Deleted: 6,
  Shredded: 7,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.45. */
export const shreddingAlgorithm = {
  Unspecified: 1,
  Cryptographic: 2,
  Unsupported: 3,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.46. */
export const rngMode = {
  Unspecified: 1,
  'Shared Instantiation': 2,
  'Non-Shared Instantiation': 3,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.47. */
export const clientRegistrationMethod = {
  Unspecified: 1,
  'Server Pre-Generated': 2,
  'Server On-Demand': 3,
  'Client Generated': 4,
  'Client Registered': 5,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.48. */
export const keyWrapType = {
  'Not Wrapped': 1,
  'As Registered': 2,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.2.49. */
export const maskGenerator = {
  MGF1: 1,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.3.1: the bits of the mask. */
export const cryptographicUsageMask = {
  Sign: 0x1,
  Verify: 0x2,
  Encrypt: 0x4,
  Decrypt: 0x8,
  'Wrap Key': 0x10,
  'Unwrap Key': 0x20,
  Export: 0x40,
  'MAC Generate': 0x80,
  'MAC Verify': 0x100,
  'Derive Key': 0x200,
  'Content Commitment': 0x400,
  'Key Agreement': 0x800,
  'Certificate Sign': 0x1000,
  'CRL Sign': 0x2000,
  'Generate Cryptogram': 0x4000,
  'Validate Cryptogram': 0x8000,
  'Translate Encrypt': 0x10000,
  'Translate Decrypt': 0x20000,
  'Translate Wrap': 0x40000,
  'Translate Unwrap': 0x80000,
} as const satisfies Record<string, number>;

/** KMIP 1.4, 9.1.3.3.2: the bits of the mask. */
export const storageStatusMask = {
  'On-line storage': 0x1,
  'Archival storage': 0x2,
} as const satisfies Record<string, number>;

/** KMIP 2.1, 11. */
export const adjustmentType = {
  Increment: 1,
  Decrement: 2,
  Negate: 3,
} as const satisfies Record<string, number>;

/** KMIP 2.1, 11. */
export const asynchronousIndicator = {
  Mandatory: 1,
  Optional: 2,
  Prohibited: 3,
} as const satisfies Record<string, number>;

/** KMIP 2.1, 11. */
export const endpointRole = {
  Client: 1,
  Server: 2,
} as const satisfies Record<string, number>;

/** KMIP 2.1, 11. */
export const nistKeyType = {
  'Private signature key': 1,
  'Public signature verification key': 2,
  'Symmetric authentication key': 3,
  'Private authentication key': 4,
  'Public authentication key': 5,
  'Symmetric data encryption key': 6,
  'Symmetric key wrapping key': 7,
  'Symmetric random number generation key': 8,
  'Symmetric master key': 9,
  'Private key transport key': 10,
  'Public key transport key': 11,
  'Symmetric key agreement key': 12,
  'Private static key agreement key': 13,
  'Public static key agreement key': 14,
  'Private ephemeral key agreement key': 15,
  'Public ephemeral key agreement key': 16,
  'Symmetric authorization key': 17,
  'Private authorization key': 18,
  'Public authorization key': 19,
} as const satisfies Record<string, number>;

/** KMIP 2.1, 11. */
export const protectionLevel = {
  High: 1,
  Low: 2,
} as const satisfies Record<string, number>;

/** KMIP 2.1, 11. */
export const ticketType = {
  Login: 1,
} as const satisfies Record<string, number>;

/** KMIP 2.1, 11. */
export const uniqueIdentifierReference = {
  'ID Placeholder': 1,
  Certify: 2,
  Create: 3,
  'Create Key Pair': 4,
  'Create Key Pair Private Key': 5,
  'Create Key Pair Public Key': 6,
  'Create Split Key': 7,
  'Derive Key': 8,
  Import: 9,
  'Join Split Key': 10,
  Locate: 11,
  Register: 12,
  'Re-key': 13,
  'Re-certify': 14,
  'Re-key Key Pair': 15,
  'Re-key Key Pair Private Key': 16,
  'Re-key Key Pair Public Key': 17,
} as const satisfies Record<string, number>;

/** KMIP 2.1, 12: the bits of the mask. */
export const protectionStorageMask = {
  Software: 0x1,
  Hardware: 0x2,
  'On Processor': 0x4,
  'On System': 0x8,
  'Off System': 0x10,
  Hypervisor: 0x20,
  'Operating System': 0x40,
  Container: 0x80,
  'On Premises': 0x100,
  'Off Premises': 0x200,
  'Self Managed': 0x400,
  Outsourced: 0x800,
  Validated: 0x1000,
  'Same Jurisdiction': 0x2000,
} as const satisfies Record<string, number>;

/** The enumeration that belongs to a tag. */
export const enumerations: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'Credential Type': credentialType,
  'Key Compression Type': keyCompressionType,
  'Key Format Type': keyFormatType,
  'Wrapping Method': wrappingMethod,
  'Recommended Curve': recommendedCurve,
  'Certificate Type': certificateType,
  'Digital Signature Algorithm': digitalSignatureAlgorithm,
  'Split Key Method': splitKeyMethod,
  'Secret Data Type': secretDataType,
  'Name Type': nameType,
  'Object Type': objectType,
  'Cryptographic Algorithm': cryptographicAlgorithm,
  'Block Cipher Mode': blockCipherMode,
  'Padding Method': paddingMethod,
  'Hashing Algorithm': hashingAlgorithm,
  'Mask Generator Hashing Algorithm': hashingAlgorithm,
  'Key Role Type': keyRoleType,
  State: state,
  'Revocation Reason Code': revocationReasonCode,
  'Link Type': linkType,
  'Derivation Method': derivationMethod,
  'Certificate Request Type': certificateRequestType,
  'Validity Indicator': validityIndicator,
  'Query Function': queryFunction,
  'Cancellation Result': cancellationResult,
  'Put Function': putFunction,
  Operation: operation,
  'Result Status': resultStatus,
  'Result Reason': resultReason,
  'Batch Error Continuation Option': batchErrorContinuationOption,
  'Usage Limits Unit': usageLimitsUnit,
  'Encoding Option': encodingOption,
  'Object Group Member': objectGroupMember,
  'Alternative Name Type': alternativeNameType,
  'Key Value Location Type': keyValueLocationType,
  'Attestation Type': attestationType,
  'RNG Algorithm': rngAlgorithm,
  'DRBG Algorithm': drbgAlgorithm,
  'FIPS186 Variation': fips186Variation,
  'Validation Authority Type': validationAuthorityType,
  'Validation Type': validationType,
  'Profile Name': profileName,
  'Unwrap Mode': unwrapMode,
  'Destroy Action': destroyAction,
  'Shredding Algorithm': shreddingAlgorithm,
  'RNG Mode': rngMode,
  'Client Registration Method': clientRegistrationMethod,
  'Key Wrap Type': keyWrapType,
  'Mask Generator': maskGenerator,
  'Adjustment Type': adjustmentType,
  'Asynchronous Indicator': asynchronousIndicator,
  'Endpoint Role': endpointRole,
  'NIST Key Type': nistKeyType,
  'Protection Level': protectionLevel,
  'Ticket Type': ticketType,
  'Unique Identifier': uniqueIdentifierReference,
};

/** The mask that belongs to a tag. */
export const masks: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'Cryptographic Usage Mask': cryptographicUsageMask,
  'Storage Status Mask': storageStatusMask,
  'Protection Storage Mask': protectionStorageMask,
};
