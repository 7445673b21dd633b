import { createECDH, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { base64url } from '@vouchsafe/bytes/base64url';
import { groupOf } from '@vouchsafe/domain/group/group';
import { type Role, roles } from '@vouchsafe/domain/group/role';
import type { EcPair } from '@vouchsafe/domain/keys/jwk';
import { createAuthority, issue } from '@vouchsafe/domain/x509/authority';

/** Seconds since 1970 at which everything under fuzz happens. */
export const now = 1_790_000_000;
export const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };

/** A key pair that is the same in each run: an input that is printed can be played again. */
export function fixedPair(fill: number): EcPair {
  const d = Buffer.alloc(32, fill);
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const [x, y] = [base64url(point.subarray(1, 33)), base64url(point.subarray(33))];
  const privateKey = createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d: base64url(d) }, format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** A group and keys that its CA certified. */
export async function site() {
  const { privateKey } = fixedPair(1);
  const authority = await createAuthority({ name: 'group', privateKey, serial: '01', ...validity });
  const certified = async (role: Role, fill: number) => {
    const { privateKey: key, publicKey } = fixedPair(fill);
    const sans = { uri: [roles[role]] };
    const order = { authority, publicKey, subject: role, usages: ['sign'] as const, sans, serial: '02', ...validity };
    return { key, certificate: new X509Certificate(await issue(order)) };
  };
  return {
    authority,
    group: groupOf(authority.certificatePem),
    attestd: await certified('attestd', 2),
    kmxd: await certified('kmxd', 3),
  };
}

/** The CA of a maker of TPMs. */
export const tpmMaker = () =>
  createAuthority({ name: 'maker', privateKey: fixedPair(4).privateKey, serial: '03', ...validity });
