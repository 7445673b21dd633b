import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { Problem } from '../problem.ts';
import { createAuthority, issue, newKeyPair } from '../x509/authority.ts';
import { authorityOf, ekHashOfCertificate } from './ek.ts';

const validity = { notBefore: new Date('2026-01-01'), notAfter: new Date('2046-01-01') };
const now = Date.parse('2030-01-01') / 1000;

const authority = (name: string, privateKey = newKeyPair().privateKey) =>
  createAuthority({ name, privateKey, ...validity });
const read = (pem: string) => new X509Certificate(pem);

async function leafOf(maker: Awaited<ReturnType<typeof authority>>): Promise<X509Certificate> {
  const { publicKey } = newKeyPair();
  return read(await issue({ authority: maker, publicKey, subject: 'ek', usages: ['agree'], ...validity }));
}

test('links that all certify one another are looked at once each, not in every order', async (t) => {
  const { privateKey } = newKeyPair();
  const links = await Promise.all(Array.from({ length: 16 }, () => authority('circle', privateKey)));
  const leaf = await leafOf(links[0]!);
  const trusted = { name: 'maker', chain: [read((await authority('maker')).certificatePem)], virtual: false };
  const verify = X509Certificate.prototype.verify;
  let verified = 0;
  t.mock.method(X509Certificate.prototype, 'verify', function (this: X509Certificate, ...of: [never]) {
    verified++;
    if (verified > 16 * 16) throw new Error('too many signatures were checked');
    return verify.apply(this, of);
  });
  const certificates = links.map(({ certificatePem }) => read(certificatePem));
  assert.match(String(authorityOf(leaf, certificates, [trusted], now)), /no imported CA issued it/);
  assert.ok(verified > 0);
});

test('a certificate whose key cannot be read issues nothing and has no hash', async () => {
  const maker = await authority('maker');
  const root = read(maker.certificatePem);
  // The first octet of the point: 04 says that it stands uncompressed (SEC 1, 2.3.3).
  const damaged = new Uint8Array(root.raw);
  const point = root.raw.indexOf(root.publicKey.export({ format: 'der', type: 'spki' }).subarray(26));
  damaged[point] = 9;
  const unreadable = new X509Certificate(damaged);
  assert.throws(
    () => ekHashOfCertificate(unreadable),
    (e) => e instanceof Problem && e.kind === 'input.malformed',
  );
  const trusted = { name: 'maker', chain: [unreadable, root], virtual: false };
  assert.equal(authorityOf(await leafOf(maker), [unreadable], [trusted], now), trusted);
});
