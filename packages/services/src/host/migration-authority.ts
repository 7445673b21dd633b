import { createECDH, createPrivateKey, type ECDH, hkdfSync, type KeyObject } from 'node:crypto';
import { base64url } from '@vouchsafe/bytes/base64url';
import { migrationLifetime } from '@vouchsafe/domain/keys/migration';
import { type Authority, createSubAuthority, issue } from '@vouchsafe/domain/x509/authority';

/** Its name; what every host installs as the only CA for migrations. */
export const migrationAuthorityName = 'Vouchsafe migration';
const curve = 'prime256v1';

/**
 * The migration CA of a group: a sub-CA that issues to attested hosts and to nobody else, so that trusting it trusts no
 * other certificate of the group. Its key follows from that of the group CA, so all members have the same one and no
 * second secret is kept or handed over.
 */
export class MigrationAuthority {
  readonly #authority: Authority;
  readonly #now: () => Date;

  private constructor(authority: Authority, now: () => Date) {
    [this.#authority, this.#now] = [authority, now];
  }

  static async under(issuer: Authority, validTo: Date, now: () => Date): Promise<MigrationAuthority> {
    const order = { name: migrationAuthorityName, notBefore: new Date(now().getTime() - 60_000), notAfter: validTo };
    const privateKey = derivedKey(issuer.privateKey);
    return new MigrationAuthority(await createSubAuthority({ ...order, issuer, privateKey }), now);
  }

  get caPem(): string {
    return this.#authority.certificatePem;
  }

  /** A certificate for TLS both ways, in the name of a host. */
  issue(publicKey: KeyObject, host: string): Promise<string> {
    const now = this.#now().getTime();
    return issue({
      authority: this.#authority,
      publicKey,
      subject: host.slice(0, 64),
      sans: { dns: [host] },
      usages: ['server', 'client'],
      // What hosts bear of clocks that differ is part of the hour.
      notBefore: new Date(now - 60_000),
      notAfter: new Date(now + (migrationLifetime - 60) * 1000),
    });
  }
}

/** HKDF (RFC 5869) over the scalar of the CA's key; a result that is no scalar of the curve is taken anew. */
function derivedKey(from: KeyObject): KeyObject {
  const secret = Buffer.from(String(from.export({ format: 'jwk' }).d), 'base64url');
  try {
    for (let counter = 0; ; counter++) {
      const scalar = Buffer.from(hkdfSync('sha256', secret, '', `vouchsafe migration CA ${counter}`, 32));
      const pair = pairOf(scalar);
      if (pair !== undefined) return keyOf(pair, scalar);
    }
  } finally {
    secret.fill(0);
  }
}

function pairOf(scalar: Buffer): ECDH | undefined {
  const pair = createECDH(curve);
  try {
    pair.setPrivateKey(scalar);
    return pair;
  } catch {
    return undefined;
  }
}

function keyOf(pair: ECDH, scalar: Buffer): KeyObject {
  const point = pair.getPublicKey();
  const jwk = { kty: 'EC', crv: 'P-256', x: base64url(point.subarray(1, 33)), y: base64url(point.subarray(33)) };
  const key = createPrivateKey({ key: { ...jwk, d: base64url(scalar) }, format: 'jwk' });
  scalar.fill(0);
  return key;
}
