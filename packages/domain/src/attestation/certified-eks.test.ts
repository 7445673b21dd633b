import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority, issue, newKeyPair } from '../x509/authority.ts';
import { rememberAuthority, rememberedAuthority } from './certified-eks.ts';
import { trustIn } from './tpm-trust.ts';

const now = Date.parse('2030-01-01') / 1000;
const from = new Date('2026-01-01');

async function site(until: Date) {
  const ca = await createAuthority({ name: 'maker', notBefore: from, notAfter: until });
  const authority = { name: 'maker', chain: [new X509Certificate(ca.certificatePem)], virtual: false };
  const order = { authority: ca, publicKey: newKeyPair().publicKey, subject: 'ek', usages: ['agree'] as const };
  const leaf = new X509Certificate(await issue({ ...order, notBefore: from, notAfter: until }));
  return { authority, presented: { ek: 'a'.repeat(64), leaf, intermediates: [] } };
}

test('a certified EK is remembered for an hour, for these certificates and this trust', async () => {
  const { authority, presented } = await site(new Date('2046-01-01'));
  const trust = trustIn(authority);
  assert.equal(rememberedAuthority(presented, trust, now), undefined);
  rememberAuthority(presented, trust, authority, now);
  assert.equal(rememberedAuthority(presented, trust, now + 3599), authority);
  assert.equal(rememberedAuthority(presented, trust, now + 3600), undefined);
  assert.equal(
    rememberedAuthority(presented, trustIn(authority), now),
    undefined,
    'another one, though it says the same',
  );
  assert.equal(rememberedAuthority({ ...presented, ek: 'b'.repeat(64) }, trust, now), undefined);
  const other = await site(new Date('2046-01-01'));
  assert.equal(rememberedAuthority({ ...presented, leaf: other.presented.leaf }, trust, now), undefined);
  assert.equal(rememberedAuthority({ ...presented, intermediates: [other.presented.leaf] }, trust, now), undefined);
});

test('it is not remembered longer than the authority holds', async () => {
  const { authority, presented } = await site(new Date((now + 60) * 1000));
  const trust = trustIn(authority);
  rememberAuthority(presented, trust, authority, now);
  assert.equal(rememberedAuthority(presented, trust, now + 59), authority);
  assert.equal(rememberedAuthority(presented, trust, now + 60), undefined);
});
