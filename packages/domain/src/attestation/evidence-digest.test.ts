import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { AppraisalInput } from './appraisal.ts';
import { evidenceDigest } from './evidence-digest.ts';

type Digested = Pick<AppraisalInput, 'challenge' | 'evidence'>;

const bytes = (fill: number, length = 32) => new Uint8Array(length).fill(fill);
const challenge: Digested['challenge'] = {
  nonce: bytes(1),
  secret: bytes(2),
  ek: 'ab'.repeat(32),
  ekPublic: bytes(3),
  ak: bytes(4),
  bank: 'sha256',
  pcrs: [0, 7],
  epoch: 1,
  exp: 100,
  jti: 'j',
};
const evidence: Digested['evidence'] = {
  claims: bytes(5),
  attest: bytes(6),
  signature: bytes(7),
  pcrs: new Map([
    [0, bytes(8)],
    [7, bytes(9)],
  ]),
  eventLog: bytes(10),
  imaLog: undefined,
  ekCertificate: undefined,
  intermediates: [],
};

test('every part of the evidence and every fact of the challenge changes the digest; the secret does not', () => {
  const [one, two] = [bytes(20, 900), bytes(21, 900)];
  const evidences: Partial<Digested['evidence']>[] = [
    { claims: bytes(0) },
    { attest: bytes(0) },
    { signature: bytes(0) },
    { pcrs: new Map([[0, bytes(8)]]) },
    { banks: new Map([['sha1', new Map([[0, bytes(8, 20)]])]]) },
    { eventLog: bytes(0) },
    { eventLog: undefined },
    { eventLog: bytes(10, 33) },
    { eventLog: undefined, reference: { eventLog: 'ab'.repeat(32), imaEntries: 0 } },
    { reference: { eventLog: 'ab'.repeat(32), imaEntries: 1 } },
    { reference: { eventLog: 'ab'.repeat(32), imaEntries: 2 } },
    { imaLog: bytes(0), reference: { eventLog: 'ab'.repeat(32), imaEntries: 2 } },
    { imaLog: bytes(0) },
    { imaLog: bytes(10), eventLog: bytes(0) },
    { ekCertificate: one },
    { intermediates: [one] },
    { intermediates: [one, two] },
    { intermediates: [two, one] },
    // The same octets in the place of another part.
    { claims: evidence.attest, attest: evidence.claims },
  ];
  const challenges: Partial<Digested['challenge']>[] = [
    { nonce: bytes(0) },
    { ek: 'cd'.repeat(32) },
    { ekPublic: bytes(0) },
    { ak: bytes(0) },
    { pcrs: [0] },
    { epoch: 2 },
    { exp: 101 },
    { jti: 'k' },
  ];
  const whole = evidenceDigest({ challenge, evidence });
  const digests = [
    whole,
    ...evidences.map((change) => evidenceDigest({ challenge, evidence: { ...evidence, ...change } })),
    ...challenges.map((change) => evidenceDigest({ challenge: { ...challenge, ...change }, evidence })),
  ];
  assert.equal(new Set(digests).size, digests.length);
  assert.equal(evidenceDigest({ challenge: { ...challenge, secret: bytes(0) }, evidence }), whole);
});

test('an event log that is referred to counts as if it had been sent', () => {
  const sha256 = createHash('sha256').update(evidence.eventLog!).digest('hex');
  const referring = { ...evidence, eventLog: undefined, reference: { eventLog: sha256, imaEntries: 0 } };
  assert.equal(evidenceDigest({ challenge, evidence: referring }), evidenceDigest({ challenge, evidence }));
});
