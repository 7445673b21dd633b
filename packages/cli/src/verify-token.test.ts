import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signAssertion } from '@vouchsafe/domain/attestation/saml/assertion';
import { signToken } from '@vouchsafe/domain/attestation/token';
import { jwkOf } from '@vouchsafe/domain/keys/jwk';
import { newSession, sampleClaims, testGroup, testTime } from '@vouchsafe/domain/testing/group';
import { problem } from '@vouchsafe/domain/testing/problem';
import { verifyTokenFile } from './verify-token.ts';

test('a token and an assertion of one attestation say the same, and nothing to another group', async () => {
  const [ours, session] = [await testGroup(), newSession()];
  const { key, certificate } = await ours.inRole('attestd');
  const claims = sampleClaims(ours.group, session, { policy: 'p'.repeat(43) });
  const jwt = await signToken(key, certificate, claims);
  const saml = signAssertion(key, certificate, { claims, holder: jwkOf(session.signing.publicKey) });
  const input = { ca: ours.authority.certificatePem, at: new Date(testTime * 1000).toISOString(), expected: {} };
  const { kind, ...said } = await verifyTokenFile(`${jwt}\n`, input);
  const { kind: other, ...asserted } = await verifyTokenFile(`${saml}\n`, input);
  assert.deepEqual([kind, other], ['JWT', 'SAML 2.0']);
  assert.deepEqual(asserted, said);
  const theirs = { ...input, ca: (await testGroup()).authority.certificatePem };
  for (const text of [jwt, saml]) {
    await assert.rejects(verifyTokenFile(text, theirs), problem('token.invalid'));
    await assert.rejects(verifyTokenFile(text, { ...input, at: '2020-01-01' }), problem('token.invalid'));
    await assert.rejects(verifyTokenFile(text, { ...input, at: 'soon' }), problem('input.invalid', /--at/));
    await assert.rejects(verifyTokenFile(text, { ...input, ca: 'x' }), problem('input.malformed', /group CA/));
  }
  await assert.rejects(verifyTokenFile(saml, { ...input, expected: { recipient: 'x' } }), problem('token.invalid'));
});
