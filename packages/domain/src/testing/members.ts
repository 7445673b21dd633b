import { X509Certificate } from 'node:crypto';
import { type MemberEntry, type MemberStatement, memberIdOf, signMember, type Tombstone } from '../group/member.ts';
import type { KeptStatement } from '../group/member-list.ts';
import type { MemberSigner } from '../group/member-request.ts';
import { roles } from '../group/role.ts';
import { type EcPair, jwkOf, newPair } from '../keys/jwk.ts';
import { issue } from '../x509/authority.ts';
import { type TestGroup, testTime } from './group.ts';

/** A member of a test's group: identity keys with certificates, and what others say about it. */
export interface TestMember extends MemberSigner {
  readonly name: string;
  readonly sig: EcPair;
  readonly enc: EcPair;
  entry(by?: TestMember, gen?: number): MemberEntry;
  tombstone(by: TestMember): Tombstone;
  says(statement: MemberStatement): Promise<KeptStatement>;
}

export async function testMember({ group, authority }: TestGroup, name: string): Promise<TestMember> {
  const [sig, enc] = [newPair(), newPair()];
  const validity = { notBefore: new Date((testTime - 60) * 1000), notAfter: new Date((testTime + 86400) * 1000) };
  const pem = await issue({
    authority,
    publicKey: sig.publicKey,
    subject: `member.${name}`,
    sans: { uri: [roles.member] },
    usages: ['sign', 'client'],
    ...validity,
  });
  const certificate = new X509Certificate(pem);
  const id = memberIdOf(certificate);
  const about = { v: 1, group: group.id, id, name } as const;
  const member: TestMember = {
    name,
    id,
    key: sig.privateKey,
    certificate,
    sig,
    enc,
    entry: (by = member, gen = 1) => ({
      ...about,
      by: by.id,
      url: `https://${name}.example:443`,
      sig: jwkOf(sig.publicKey),
      enc: jwkOf(enc.publicKey),
      added: testTime,
      gen,
    }),
    tombstone: (by) => ({ ...about, by: by.id, removed: testTime }),
    says: async (statement) => ({ jws: await signMember(member.key, certificate, statement), statement }),
  };
  return member;
}
