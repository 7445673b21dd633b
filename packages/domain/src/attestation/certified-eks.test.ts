import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make, makeEk } from '../testing/certificates.ts';
import { testTime as now } from '../testing/group.ts';
import { type CertifiedEk, type PresentedEk, rememberEk, rememberedEk } from './certified-eks.ts';
import { readEkLeaf } from './ek-leaf.ts';
import { trustIn } from './tpm-trust.ts';

const root = make({ subject: 'maker' });
const { der: leaf } = makeEk(root);
const trust = trustIn({ name: 'maker', chain: [root.certificate], virtual: false });
const presented: PresentedEk = { ek: 'a'.repeat(64), leaf, links: [root.der], crl: 'if-present' };
const { certificate, ...said } = readEkLeaf(leaf);
const { notBefore, notAfter } = certificate;
const certified = (until: number): CertifiedEk => ({ ...said, notBefore, notAfter, virtual: false, notes: [], until });

test('a certified EK is remembered for an hour, as it was presented and for this trust', () => {
  assert.equal(rememberedEk(presented, trust, now), undefined);
  rememberEk(presented, trust, certified(Number.POSITIVE_INFINITY), now);
  assert.equal(rememberedEk(presented, trust, now + 3599)?.virtual, false);
  assert.equal(rememberedEk(presented, trust, now + 3600), undefined);
  const others: Partial<PresentedEk>[] = [
    { ek: 'b'.repeat(64) },
    { leaf: root.der },
    { links: [] },
    { links: [root.der, leaf] },
    { crl: 'required' },
  ];
  for (const other of others) assert.equal(rememberedEk({ ...presented, ...other }, trust, now), undefined);
  assert.equal(rememberedEk(presented, { ...trust }, now), undefined, 'another trust, though it says the same');
});

test('it is not remembered longer than the certificates and lists on its way hold', () => {
  rememberEk(presented, trust, certified(now + 60), now);
  assert.notEqual(rememberedEk(presented, trust, now + 59), undefined);
  assert.equal(rememberedEk(presented, trust, now + 60), undefined);
});
