import type { KeyObject } from 'node:crypto';
import { X509Certificate } from 'node:crypto';
import type { TokenClaims } from '../attestation/token.ts';
import { type Group, groupOf } from '../group/group.ts';
import { type Role, roles } from '../group/role.ts';
import { type EcPair, jwkOf, newPair, thumbprint } from '../keys/jwk.ts';
import { type Authority, createAuthority, issue, type Usage } from '../x509/authority.ts';

/** When it is in tests, in seconds since 1970. */
export const testTime = 1_790_000_000;

const validity = { notBefore: new Date((testTime - 3600) * 1000), notAfter: new Date((testTime + 86400) * 1000) };

/** A key with a certificate of a group's CA. */
export interface Certified {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

/** A group with its CA at hand: it certifies whatever a test wants. */
export interface TestGroup {
  readonly group: Group;
  readonly authority: Authority;
  certify(uris: readonly string[], usages?: readonly Usage[], subject?: string): Promise<Certified>;
  inRole(role: Role): Promise<Certified>;
}

export async function testGroup(name = 'test group'): Promise<TestGroup> {
  const authority = await createAuthority({ name, ...validity });
  const certify: TestGroup['certify'] = async (uri, usages = ['sign'], subject = 'test') => {
    const { privateKey, publicKey } = newPair();
    const pem = await issue({ authority, publicKey, subject, sans: { uri }, usages, ...validity });
    return { key: privateKey, certificate: new X509Certificate(pem) };
  };
  const group = groupOf(authority.certificatePem);
  return { group, authority, certify, inRole: (role) => certify([roles[role]]) };
}

/** Keys of a host's session. */
export interface TestSession {
  readonly signing: EcPair;
  readonly encryption: EcPair;
}

export const newSession = (): TestSession => ({ signing: newPair(), encryption: newPair() });

/** What a good token of this session says; `change` replaces claims. */
export function sampleClaims(group: Group, session: TestSession, change: Partial<TokenClaims> = {}): TokenClaims {
  return {
    iss: 'urn:vouchsafe:attestd:test',
    sub: `ek:${'ab'.repeat(32)}`,
    aud: group.id,
    iat: testTime,
    exp: testTime + 600,
    jti: 'token-1',
    eat_profile: 'tag:github.com,2023:veraison/ear',
    eat_nonce: 'bm9uY2U',
    'ear.verifier-id': { developer: 'vouchsafe', build: 'attestd' },
    submods: {
      host: {
        'ear.status': 'affirming',
        'ear.trustworthiness-vector': {
          'instance-identity': 'affirming',
          configuration: 'affirming',
          executables: 'affirming',
          'file-system': 'affirming',
          hardware: 'affirming',
        },
        'ear.appraisal-policy-id': 'image:golden',
      },
    },
    cnf: { jkt: thumbprint(jwkOf(session.signing.publicKey)) },
    rel: jwkOf(session.encryption.publicKey),
    scope: 'cluster-a',
    host: 'host-1',
    epoch: 0,
    img: 'golden',
    enrolled: 'approved',
    ...change,
  };
}
