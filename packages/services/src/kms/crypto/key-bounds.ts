import { Der, tags } from '@vouchsafe/domain/x509/der';
import { oidOf } from '@vouchsafe/domain/x509/der-values';

/** rsaEncryption (RFC 8017, A.1) and id-ecPublicKey (RFC 5480, 2.1.1). */
const algorithms = { rsa: '1.2.840.113549.1.1.1', ec: '1.2.840.10045.2.1' } as const;

/** Octets of the largest modulus of a private key that is read: 8192 bits, and the sign. */
const mostOctets = 1025;

/** Integers of an RSAPrivateKey after its version, the modulus first (RFC 8017, A.1.2). */
const rsaIntegers = 8;

/** Keys come from whoever made them: what DER forbids is for OpenSSL to judge. */
const bearAll = () => {};

/**
 * Refuses a private key that takes long to read or to use, before OpenSSL sees it. Reading a DSA or DH key computes its
 * public half, with numbers as large as the message has room for, whatever the format is called; and a prime of an RSA
 * key may be far larger than its modulus.
 * @throws {RangeError | DecodeError} when it is no PKCS #1, SEC 1 or PKCS #8 key of RSA or on a curve, or is too large
 */
export function refuseCostlyKey(octets: Uint8Array): void {
  const fields = Der.over(octets, 'private key', bearAll).enter(tags.sequence, 'private key');
  fields.take(tags.integer, 'version');
  if (fields.peek === tags.integer) checkRsa(fields);
  else if (fields.peek !== tags.octetString) checkPkcs8(fields);
}

function checkPkcs8(fields: Der): void {
  const algorithm = oidOf(fields.enter(tags.sequence, 'algorithm').take(tags.oid, 'id'));
  if (algorithm === algorithms.ec) return;
  if (algorithm !== algorithms.rsa) throw new RangeError(`${algorithm}: neither RSA nor a key on a curve`);
  const rsa = fields.enter(tags.octetString, 'privateKey').enter(tags.sequence, 'RSAPrivateKey');
  rsa.take(tags.integer, 'version');
  checkRsa(rsa);
}

function checkRsa(fields: Der): void {
  for (let i = 0; i < rsaIntegers; i++) {
    const { length } = fields.take(tags.integer, 'integer').value;
    if (length > mostOctets) throw new RangeError(`a number of ${length} octets, limit ${mostOctets}`);
  }
  if (fields.more) throw new RangeError('more than two primes');
}
