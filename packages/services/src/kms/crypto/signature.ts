import { constants, type KeyObject, sign as signData, verify as verifyData } from 'node:crypto';
import type { CryptographicParameters as Parameters } from '@vouchsafe/kmip/cryptographic-parameters';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type HashName, hashFacts } from './hashes.ts';

type Scheme = 'PKCS1 v1.5' | 'PSS' | 'ECDSA';

interface Signing {
  readonly scheme: Scheme;
  readonly hash: string;
  readonly saltLength: number | undefined;
}

/** What a Digital Signature Algorithm of KMIP 1.4, 9.1.3.2.7, stands for. Those with MD2, MD5 and DSA are refused. */
const algorithms: Readonly<Record<string, { scheme: Scheme; hash?: HashName }>> = {
  'SHA-1 with RSA Encryption': { scheme: 'PKCS1 v1.5', hash: 'SHA-1' },
  'SHA-224 with RSA Encryption': { scheme: 'PKCS1 v1.5', hash: 'SHA-224' },
  'SHA-256 with RSA Encryption': { scheme: 'PKCS1 v1.5', hash: 'SHA-256' },
  'SHA-384 with RSA Encryption': { scheme: 'PKCS1 v1.5', hash: 'SHA-384' },
  'SHA-512 with RSA Encryption': { scheme: 'PKCS1 v1.5', hash: 'SHA-512' },
  'SHA3-256 with RSA Encryption': { scheme: 'PKCS1 v1.5', hash: 'SHA-3-256' },
  'SHA3-384 with RSA Encryption': { scheme: 'PKCS1 v1.5', hash: 'SHA-3-384' },
  'SHA3-512 with RSA Encryption': { scheme: 'PKCS1 v1.5', hash: 'SHA-3-512' },
  'RSASSA-PSS': { scheme: 'PSS' },
  'ECDSA with SHA-1': { scheme: 'ECDSA', hash: 'SHA-1' },
  'ECDSA with SHA224': { scheme: 'ECDSA', hash: 'SHA-224' },
  'ECDSA with SHA256': { scheme: 'ECDSA', hash: 'SHA-256' },
  'ECDSA with SHA384': { scheme: 'ECDSA', hash: 'SHA-384' },
  'ECDSA with SHA512': { scheme: 'ECDSA', hash: 'SHA-512' },
};

/** Signs data; an ECDSA signature stands in DER (RFC 3279, 2.2.3). @throws {OperationError} */
export function sign(key: KeyObject, parameters: Parameters, data: Uint8Array): Buffer {
  const signing = signingOf(key, parameters);
  try {
    return signData(signing.hash, data, options(key, signing, constants.RSA_PSS_SALTLEN_DIGEST));
  } catch {
    throw new OperationError('Cryptographic Failure', 'the key cannot sign with these parameters');
  }
}

/** Whether a signature is one of these data by this key. @throws {OperationError} for parameters that suit no key */
export function verify(key: KeyObject, parameters: Parameters, data: Uint8Array, signature: Uint8Array): boolean {
  const signing = signingOf(key, parameters);
  try {
    return verifyData(signing.hash, data, options(key, signing, constants.RSA_PSS_SALTLEN_AUTO), signature);
  } catch {
    return false;
  }
}

/** The algorithm as a whole counts before its parts; both together must agree (KMIP 1.4, 3.6). */
function signingOf(key: KeyObject, parameters: Parameters): Signing {
  const named = parameters.signatureAlgorithm === undefined ? undefined : algorithms[parameters.signatureAlgorithm];
  if (parameters.signatureAlgorithm !== undefined && named === undefined)
    throw invalid(`Digital Signature Algorithm: ${parameters.signatureAlgorithm} is not carried out here`);
  const scheme = named?.scheme ?? schemeOf(key, parameters);
  if ((scheme === 'ECDSA') !== (key.asymmetricKeyType === 'ec')) throw invalid(`${scheme}: the key is of another kind`);
  if (named?.hash !== undefined && parameters.hash !== undefined && named.hash !== parameters.hash)
    throw invalid(`Hashing Algorithm: ${parameters.hash} contradicts ${parameters.signatureAlgorithm}`);
  const { node, size } = hashFacts(named?.hash ?? parameters.hash);
  const { saltLength } = parameters;
  if (saltLength !== undefined && (saltLength < 0 || saltLength > 512 - size))
    throw invalid(`Salt Length: ${saltLength}`);
  return { scheme, hash: node, saltLength };
}

function schemeOf(key: KeyObject, { padding }: Parameters): Scheme {
  if (key.asymmetricKeyType === 'ec') return 'ECDSA';
  if (padding === 'PSS' || padding === 'PKCS1 v1.5') return padding;
  throw invalid(`Padding Method: ${padding ?? 'missing'}, expected PSS or PKCS1 v1.5 for an RSA key`);
}

const options = (key: KeyObject, { scheme, saltLength }: Signing, defaultSalt: number) => {
  if (scheme === 'ECDSA') return { key, dsaEncoding: 'der' as const };
  if (scheme === 'PKCS1 v1.5') return { key, padding: constants.RSA_PKCS1_PADDING };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: saltLength ?? defaultSalt };
};

const invalid = (why: string) => new OperationError('Invalid Field', why);
