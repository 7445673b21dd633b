import { constants, type KeyObject, verify } from 'node:crypto';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { curveFacts, hashes, strongHashes } from './algorithms.ts';
import { TpmError } from './error.ts';
import type { Fault } from './fault.ts';
import type { TpmtPublic } from './public.ts';
import { leftPad, publicKeyOf } from './public-key.ts';
import type { TpmtSignature } from './signature.ts';
import { signingSchemeOf } from './signing-scheme.ts';

type Scheme = (attest: Uint8Array, signature: TpmtSignature, area: TpmtPublic, key: KeyObject) => string | undefined;

/** One row a scheme: what is wrong with the signature's value, or undefined when it holds. */
const schemes: Record<'rsassa' | 'rsapss' | 'ecdsa', Scheme> = {
  rsassa: rsa({ padding: constants.RSA_PKCS1_PADDING }),
  // Part 1, B.7: the length of the salt depends on the TPM, so it is read from the signature.
  rsapss: rsa({ padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }),
  ecdsa,
};

/**
 * What is wrong with the signature of a TPM over `attest`.
 *
 * The key's public area alone says which scheme and hash count: a signature that names another is refused, as are
 * HMAC, TPM_ALG_NULL, SHA-1, ECDSA numbers outside 1 to n-1 (SEC 1, 4.1.4) and keys that `publicKeyOf` refuses.
 * @param attest the signed bytes, a bare TPMS_ATTEST
 * @param akPublic the public area of the key that must have signed
 */
export function signatureFault(attest: Uint8Array, signature: TpmtSignature, akPublic: TpmtPublic): Fault | undefined {
  try {
    const { scheme, hash } = signingSchemeOf(akPublic);
    if (!strongHashes.has(hash)) return { code: 'signature.scheme', detail: `the key signs with ${hash}` };
    const other = otherScheme(signature, scheme, hash);
    if (other !== undefined) return { code: 'signature.scheme', detail: other };
    const detail = schemes[scheme](attest, signature, akPublic, publicKeyOf(akPublic));
    return detail === undefined ? undefined : { code: 'signature.value', detail };
  } catch (error) {
    if (error instanceof TpmError && error.code === 'key') return { code: 'key', detail: error.message };
    throw error;
  }
}

function otherScheme(signature: TpmtSignature, scheme: string, hash: string): string | undefined {
  if (signature.sigAlg !== scheme) return `the signature is ${signature.sigAlg}, the key's scheme is ${scheme}`;
  const used = signature.signature !== undefined && 'hash' in signature.signature ? signature.signature.hash : 'none';
  return used === hash ? undefined : `the signature's hash is ${used}, the key's is ${hash}`;
}

function rsa(options: { padding: number; saltLength?: number }): Scheme {
  return (attest, signature, _area, key) => {
    if (signature.sigAlg !== 'rsassa' && signature.sigAlg !== 'rsapss') return 'not an RSA signature';
    const { hash, sig } = signature.signature;
    return verify(hashes[hash].node, attest, { key, ...options }, sig) ? undefined : mismatch;
  };
}

function ecdsa(attest: Uint8Array, signature: TpmtSignature, area: TpmtPublic, key: KeyObject): string | undefined {
  const curve = area.type === 'ecc' ? curveFacts(area.parameters.curveID) : undefined;
  if (signature.sigAlg !== 'ecdsa' || curve === undefined) return 'not an ECDSA signature';
  const { hash, signatureR, signatureS } = signature.signature;
  const [r, s] = [leftPad(signatureR, curve.size), leftPad(signatureS, curve.size)];
  if (r === undefined || s === undefined) return `r or s is longer than ${curve.size} bytes`;
  if ([r, s].some((number) => !inRange(number, curve.order))) return 'r or s is not in 1 to n-1';
  const options = { key, dsaEncoding: 'ieee-p1363' } as const;
  return verify(hashes[hash].node, attest, options, concat(r, s)) ? undefined : mismatch;
}

const inRange = (number: Uint8Array, order: bigint) => {
  const value = BigInt(`0x${hex(number)}`);
  return value > 0n && value < order;
};

const mismatch = 'the signature is not of this key over these bytes';
