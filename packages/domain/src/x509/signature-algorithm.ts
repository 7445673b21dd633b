import { constants, type KeyObject, verify } from 'node:crypto';
import { contextTag, type Element, tags } from './der.ts';
import { oidOf, smallIntegerOf } from './der-values.ts';

type Hash = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** How something was signed. */
export interface SignatureAlgorithm {
  /** Object identifier. */
  readonly id: string;
  /** Octets of the AlgorithmIdentifier. */
  readonly raw: Uint8Array;
  readonly scheme: 'pkcs1' | 'pss' | 'ecdsa' | undefined;
  readonly hash: Hash | undefined;
  readonly saltLength: number;
}

/** RFC 4055, RFC 5758 (3.2). MD5 and older are left out: whoever signs with them certifies nothing. */
const known: Readonly<Record<string, { scheme: 'pkcs1' | 'ecdsa'; hash: Hash }>> = {
  '1.2.840.113549.1.1.5': { scheme: 'pkcs1', hash: 'sha1' },
  '1.2.840.113549.1.1.11': { scheme: 'pkcs1', hash: 'sha256' },
  '1.2.840.113549.1.1.12': { scheme: 'pkcs1', hash: 'sha384' },
  '1.2.840.113549.1.1.13': { scheme: 'pkcs1', hash: 'sha512' },
  '1.2.840.10045.4.1': { scheme: 'ecdsa', hash: 'sha1' },
  '1.2.840.10045.4.3.2': { scheme: 'ecdsa', hash: 'sha256' },
  '1.2.840.10045.4.3.3': { scheme: 'ecdsa', hash: 'sha384' },
  '1.2.840.10045.4.3.4': { scheme: 'ecdsa', hash: 'sha512' },
};

const pss = '1.2.840.113549.1.1.10';
const mgf1 = '1.2.840.113549.1.1.8';

const hashes: Readonly<Record<string, Hash>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Reads an AlgorithmIdentifier of a signature; an unknown one has no scheme. @throws {DecodeError} */
export function readSignatureAlgorithm(element: Element): SignatureAlgorithm {
  const fields = element.inside();
  const id = oidOf(fields.take(tags.oid, 'id'));
  const plain = { id, raw: element.raw, saltLength: 0 };
  if (id === pss) return { ...plain, ...pssParameters(fields.optional(tags.sequence, 'parameters')) };
  // RFC 3279, 2.2: no parameters, or NULL for RSA; some write NULL for ECDSA as well.
  fields.optional(tags.null, 'parameters');
  const { scheme, hash } = known[id] ?? {};
  if (scheme !== undefined) fields.finish();
  return { ...plain, scheme, hash };
}

/** RSASSA-PSS-params (RFC 4055, 3.1): one hash for message and mask, as TPMs and OpenSSL make it. */
function pssParameters(element: Element | undefined): Pick<SignatureAlgorithm, 'scheme' | 'hash' | 'saltLength'> {
  const fields = element?.inside();
  const digest = fields?.optional(contextTag(0), 'hashAlgorithm');
  const mask = fields?.optional(contextTag(1), 'maskGenAlgorithm');
  const salt = fields?.optional(contextTag(2), 'saltLength');
  const trailer = fields?.optional(contextTag(3), 'trailerField');
  fields?.finish();
  const hash = digest === undefined ? 'sha1' : hashOf(digest);
  const maskHash = mask === undefined ? 'sha1' : maskHashOf(mask);
  const saltLength = salt === undefined ? 20 : smallIntegerOf(salt.inside().any('length'), 512);
  const usual = trailer === undefined || smallIntegerOf(trailer.inside().any('field'), 0xffff) === 1;
  const supported = hash !== undefined && hash === maskHash && usual;
  return { scheme: supported ? 'pss' : undefined, hash, saltLength };
}

const hashOf = (explicit: Element): Hash | undefined =>
  hashes[oidOf(explicit.inside().enter(tags.sequence, 'algorithm').take(tags.oid, 'id'))];

function maskHashOf(explicit: Element): Hash | undefined {
  const fields = explicit.inside().enter(tags.sequence, 'algorithm');
  if (oidOf(fields.take(tags.oid, 'id')) !== mgf1) return undefined;
  return hashes[oidOf(fields.enter(tags.sequence, 'hash').take(tags.oid, 'id'))];
}

/** Whether the key signed these octets so. A scheme that is unknown or is not one of the key has signed nothing. */
export function signedBy(key: KeyObject, algorithm: SignatureAlgorithm, data: Uint8Array, value: Uint8Array): boolean {
  const { scheme, hash, saltLength } = algorithm;
  if (scheme === undefined || hash === undefined) return false;
  if (!keyTypes[scheme].includes(key.asymmetricKeyType)) return false;
  const padding = scheme === 'pss' ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength } : {};
  try {
    return verify(hash, data, { key, ...padding }, value);
  } catch {
    return false;
  }
}

const keyTypes: Readonly<Record<'pkcs1' | 'pss' | 'ecdsa', readonly (string | undefined)[]>> = {
  pkcs1: ['rsa'],
  pss: ['rsa', 'rsa-pss'],
  ecdsa: ['ec'],
};
