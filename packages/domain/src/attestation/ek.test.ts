import assert from 'node:assert/strict';
import { type KeyObject, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { newPair } from '../keys/jwk.ts';
import { testTime } from '../testing/group.ts';
import { authorityOf } from './ek.ts';
import type { TpmAuthority } from './tpm-trust.ts';

interface Ca {
  readonly certificate: X509Certificate;
  readonly privateKey: KeyObject;
  readonly name: string;
}

let serial = 1;
const day = 86400;

/** A certificate; without `by` it signs itself. */
async function make(
  name: string,
  by?: Ca,
  { ca = true, from = -day, until = day, pair = newPair(), pathLength = undefined as number | undefined } = {},
): Promise<Ca> {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  const signingKey = (by?.privateKey ?? pair.privateKey).toCryptoKey(curve, false, ['sign']);
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: (serial++).toString(16).padStart(4, '0'),
    subject: `CN=${name}`,
    issuer: `CN=${by?.name ?? name}`,
    notBefore: new Date((testTime + from) * 1000),
    notAfter: new Date((testTime + until) * 1000),
    publicKey: Buffer.from(pair.publicKey.export({ type: 'spki', format: 'der' })) as Buffer<ArrayBuffer>,
    signingKey,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.BasicConstraintsExtension(ca, pathLength, true)],
  });
  return { certificate: new X509Certificate(Buffer.from(made.rawData)), privateKey: pair.privateKey, name };
}

const root = await make('root');
const issuer = await make('issuer', root);
const leaf = await make('tpm', issuer, { ca: false });
const pinned = (name: string, virtual: boolean, ...chain: Ca[]): TpmAuthority => ({
  name,
  virtual,
  chain: chain.map(({ certificate }) => certificate),
});
const maker = pinned('maker', false, issuer, root);
const find = (of: Ca, authorities: TpmAuthority[], intermediates: Ca[] = [], now = testTime) => {
  const found = authorityOf(
    of.certificate,
    intermediates.map(({ certificate }) => certificate),
    authorities,
    now,
  );
  return typeof found === 'string' ? found : `authority ${found.name}`;
};

test('a certificate stands under the authority whose chain leads to it', async () => {
  assert.equal(find(leaf, [pinned('other', false, await make('other')), maker]), 'authority maker');
  assert.equal(find(await make('direct', root, { ca: false }), [maker]), 'authority maker');
});

test('intermediates may come from the host, and are links only', async () => {
  const rootOnly = pinned('maker', false, root);
  assert.match(find(leaf, [rootOnly]), /no imported CA issued it \(issuer CN=issuer\)/);
  assert.equal(find(leaf, [rootOnly], [issuer]), 'authority maker');
  assert.match(find(leaf, [pinned('other', false, await make('other'))], [issuer, root]), /no imported CA/);
});

test('a root of the same name, or the key of the leaf itself, is no root', async () => {
  const lookalike = await make('root');
  const forged = await make('tpm', await make('issuer', lookalike), { ca: false });
  assert.match(find(forged, [maker], [lookalike, issuer]), /no imported CA/);
  assert.match(find(await make('tpm', undefined, { ca: false }), [maker]), /no imported CA/);
});

test('an issuer that is no CA, has expired or is not valid yet is told', async () => {
  const below = await make('tpm 2', leaf, { ca: false });
  assert.match(find(below, [maker], [leaf]), /its issuer CN=tpm is no CA/);
  assert.match(find(leaf, [maker], [], testTime + 2 * day), /issuer CN=issuer has expired/);
  assert.match(find(leaf, [maker], [], testTime - 2 * day), /issuer CN=issuer is not valid yet/);
  const old = await make('old', root, { until: -1 });
  assert.match(find(await make('tpm 3', old, { ca: false }), [maker], [old]), /CN=old has expired/);
});

test('an EK certificate that expired counts: TPMs outlive their certificates', async () => {
  assert.equal(find(await make('tpm', issuer, { ca: false, until: -1 }), [maker]), 'authority maker');
});

test('a host cannot choose to be hardware by the intermediates that it sends', async () => {
  const virtualIssuer = await make('virtual issuer', root);
  const guest = await make('guest', virtualIssuer, { ca: false });
  const virtual = pinned('virtual', true, virtualIssuer, root);
  for (const authorities of [
    [maker, virtual],
    [virtual, maker],
  ]) {
    assert.equal(find(guest, authorities, [virtualIssuer, issuer]), 'authority virtual');
    assert.equal(find(leaf, authorities, [virtualIssuer]), 'authority maker');
  }
  const unknown = await make('unknown', root);
  const either = await make('either', unknown, { ca: false });
  assert.equal(find(either, [maker, virtual], [unknown]), 'authority virtual');
});

test('a path is as long as eight issuers and no longer', async () => {
  const chain = [root];
  for (let i = 1; i < 9; i++) chain.unshift(await make(`ca ${i}`, chain[0]));
  const rootOnly = pinned('maker', false, root);
  const eight = await make('eight', chain[1]!, { ca: false });
  const nine = await make('nine', chain[0]!, { ca: false });
  assert.equal(find(eight, [rootOnly], chain.slice(0, -1)), 'authority maker');
  assert.match(find(nine, [rootOnly], chain.slice(0, -1)), /no imported CA/);
});

test('an authority that may have none below it has none below it, unless it renewed its own name', async () => {
  const narrow = await make('narrow', root, { pathLength: 0 });
  const sub = await make('sub', narrow);
  const trusted = [pinned('maker', false, narrow, root)];
  assert.match(
    find(await make('tpm', sub, { ca: false }), trusted, [sub]),
    /narrow may have 0 authorities below it, not 1/,
  );
  const renewed = await make('narrow', narrow);
  assert.equal(find(await make('tpm', renewed, { ca: false }), trusted, [renewed]), 'authority maker');
});
