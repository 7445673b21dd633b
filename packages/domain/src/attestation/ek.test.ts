import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Made, make, makeEk } from '../testing/certificates.ts';
import { testTime } from '../testing/group.ts';
import type { Certificate } from '../x509/certificate.ts';
import { authorityOf } from './ek.ts';
import { noTpmTrust, type TpmAuthority, trustIn } from './tpm-trust.ts';

const root = make({ subject: 'root' });
const issuer = make({ subject: 'issuer', by: root });
const leaf = makeEk(issuer);
const pinned = (name: string, virtual: boolean, ...chain: Made[]): TpmAuthority => ({
  name,
  virtual,
  chain: chain.map(({ certificate }) => certificate),
});
const maker = pinned('maker', false, root, issuer);
const certificates = (made: readonly Made[]): Certificate[] => made.map(({ certificate }) => certificate);

function find(of: Made, authorities: TpmAuthority[], links: Made[] = [], intermediates: Made[] = []): string {
  const trust = { ...trustIn(...authorities), intermediates: certificates(intermediates) };
  const found = authorityOf({
    leaf: of.certificate,
    links: certificates(links),
    trust,
    crl: 'if-present',
    now: testTime,
  });
  return 'kind' in found ? found.why : `authority ${found.authority.name}`;
}

test('a certificate stands under the authority whose chain leads to it', () => {
  assert.equal(find(leaf, [pinned('other', false, make({ subject: 'other' })), maker]), 'authority maker');
  assert.equal(find(makeEk(root), [maker]), 'authority maker');
});

test('intermediates come from the host or from the administrator, and are links only', () => {
  const rootOnly = pinned('maker', false, root);
  assert.match(find(leaf, [rootOnly]), /no imported CA issued it \(issuer CN=issuer\)/);
  assert.equal(find(leaf, [rootOnly], [issuer]), 'authority maker');
  assert.equal(find(leaf, [rootOnly], [], [issuer]), 'authority maker');
  const other = pinned('other', false, make({ subject: 'other' }));
  assert.match(find(leaf, [other], [issuer, root]), /no imported CA/);
  assert.match(find(leaf, [other], [], [issuer, root]), /no imported CA/);
  assert.match(find(leaf, [], [issuer, root]), /no imported CA/);
});

test('a host cannot choose to be hardware by the intermediates that it sends', () => {
  const virtualIssuer = make({ subject: 'virtual issuer', by: root });
  const guest = makeEk(virtualIssuer);
  const virtual = pinned('virtual', true, root, virtualIssuer);
  for (const authorities of [
    [maker, virtual],
    [virtual, maker],
  ]) {
    assert.equal(find(guest, authorities, [virtualIssuer, issuer]), 'authority virtual');
    assert.equal(find(leaf, authorities, [virtualIssuer]), 'authority maker');
  }
  const unknown = make({ subject: 'unknown', by: root });
  assert.equal(find(makeEk(unknown), [maker, virtual], [unknown]), 'authority virtual');
  const renewed = make({ subject: 'virtual issuer', by: root, pair: virtualIssuer.pair });
  assert.equal(find(guest, [maker, virtual], [renewed]), 'authority virtual');
});

test('an authority without a root of its own counts as long as that of another is trusted', () => {
  const under = { ...pinned('under', true, issuer), under: true };
  assert.equal(find(leaf, [pinned('maker', false, root), under]), 'authority under');
  assert.match(find(leaf, [under]), /no imported CA/);
  assert.match(find(leaf, [under], [root]), /no imported CA/);
});

test('trust in nothing trusts nothing', () => {
  const found = authorityOf({ leaf: leaf.certificate, links: [], trust: noTpmTrust, crl: 'off', now: testTime });
  assert.equal('kind' in found && found.kind, 'unknown');
});
