import { type KeyLike, type KeyObject, sign, verify } from 'node:crypto';
import type { SignatureAlgorithm } from 'xml-crypto';
import { algorithms } from './names.ts';

/** XML Signature 1.1, 6.4.3: r ‖ s, not DER. */
const dsaEncoding = 'ieee-p1363';

/** ECDSA with SHA-256 over P-256, the only algorithm that assertions are signed with. */
export class EcdsaSha256 implements SignatureAlgorithm {
  getSignature(signedInfo: unknown, privateKey: KeyLike): string {
    return sign('sha256', octets(signedInfo), { key: privateKey as KeyObject, dsaEncoding }).toString('base64');
  }

  verifySignature(material: unknown, key: KeyLike, value: string): boolean {
    const publicKey = key as KeyObject;
    if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false;
    return verify('sha256', octets(material), { key: publicKey, dsaEncoding }, Buffer.from(value, 'base64'));
  }

  getAlgorithmName(): string {
    return algorithms.signature;
  }
}

const octets = (text: unknown): Buffer => (Buffer.isBuffer(text) ? text : Buffer.from(String(text), 'utf8'));
