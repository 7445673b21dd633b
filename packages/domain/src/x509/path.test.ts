import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  alternativeNames,
  basicConstraints,
  caExtensions,
  directory,
  ekExtensions,
  extension,
  keyUsage,
  type Made,
  make,
  makeEk,
  nameConstraints,
  nameDer,
  pairOf,
  purposes,
  tpmName,
  type Wanted,
} from '../testing/certificates.ts';
import { der, sequence } from '../testing/der.ts';
import { testTime } from '../testing/group.ts';
import { type Certificate, subjectText } from './certificate.ts';
import { findPath, linksOf, maxPath } from './path.ts';
import { pathRules } from './path-rules.ts';

const purpose = '2.23.133.8.1';
const day = 86400;
const root = make({ subject: 'root' });

interface Where {
  readonly roots?: readonly Made[];
  readonly links?: readonly Made[];
  readonly now?: number;
  /** A rule that is taken out. */
  readonly without?: string;
}

function find(leaf: Made, { roots = [root], links = [], now = testTime, without }: Where = {}): string {
  const certificates = (made: readonly Made[]): Certificate[] => made.map(({ certificate }) => certificate);
  const found = findPath({
    leaf: leaf.certificate,
    roots: new Set(certificates(roots).map(({ fingerprint }) => fingerprint)),
    links: [linksOf(certificates(roots)), linksOf(certificates(links))],
    purpose,
    now,
    rules: pathRules.filter(({ id }) => id !== without),
  });
  return 'kind' in found ? found.why : found.map(subjectText).join(' < ');
}

/** An issuer made as wanted, and what becomes of a leaf under it. */
function under(wanted: Partial<Wanted>, leafWanted: Partial<Wanted> = {}, where: Where = {}): string {
  const issuer = make({ subject: 'issuer', by: root, ...wanted });
  return find(makeEk(issuer, leafWanted), { links: [issuer], ...where });
}

test('a path leads over links to a pinned root', () => {
  const issuer = make({ subject: 'issuer', by: root });
  assert.equal(find(makeEk(issuer), { links: [issuer] }), 'CN=tpm < CN=issuer < CN=root');
  assert.equal(find(makeEk(root)), 'CN=tpm < CN=root');
});

test('a root of the same name, the key of the leaf itself, or a link that nobody pinned is no root', () => {
  const lookalike = make({ subject: 'root' });
  const forged = makeEk(make({ subject: 'issuer', by: lookalike }));
  assert.match(find(forged, { links: [lookalike] }), /no imported CA/);
  assert.match(find(make({ subject: 'tpm', extensions: ekExtensions })), /no imported CA/);
  const other = make({ subject: 'other' });
  assert.match(find(makeEk(other), { links: [other] }), /no imported CA/);
});

/** Issuers that break one rule each, by the rule. */
const broken: readonly [rule: string, wanted: Partial<Wanted>, why: RegExp][] = [
  ['ca', { extensions: [] }, /issuer CN=issuer is no CA/],
  ['ca', { extensions: [basicConstraints(false), keyUsage(5)] }, /is no CA/],
  ['key-usage', { extensions: [basicConstraints(true), keyUsage(0, 6)] }, /may not sign certificates/],
  ['purpose', { extensions: [...caExtensions, purposes('1.3.6.1.5.5.7.3.1')] }, /may not certify endorsement keys/],
  ['not-after', { until: -1 }, /has expired/],
  ['not-before', { from: 1 }, /is not valid yet/],
  ['key', { kind: 'rsa1024' }, /an RSA key of 1024 bits/],
  ['key', { kind: 'k256' }, /curve secp256k1 is not supported/],
  ['critical', { extensions: [...caExtensions, extension('1.2.3.4', true, sequence())] }, /extension 1\.2\.3\.4/],
  ['critical', { extensions: [...caExtensions, extension('2.5.29.36', true, sequence())] }, /extension 2\.5\.29\.36/],
  ['names', { extensions: [...caExtensions, nameConstraints([directory(nameDer(['O', 'x']))])] }, /not permitted/],
];

test('what may not issue certificates has issued none; without the rule it has', () => {
  for (const [rule, wanted, why] of broken) {
    assert.match(under(wanted), why);
    assert.match(under(wanted, {}, { without: rule }), /^CN=tpm < CN=issuer < CN=root$/, rule);
  }
  assert.match(under({ extensions: ekExtensions }), /is no CA/);
  assert.match(under({ extensions: [basicConstraints(true)] }), /^CN=tpm </, 'no key usage allows all');
  assert.match(under({ extensions: [...caExtensions, purposes(purpose)] }), /^CN=tpm </);
  assert.match(under({ extensions: [...caExtensions, extension('1.2.3.4', false, sequence())] }), /^CN=tpm </);
});

test('every rule has an attack here that it stops', () => {
  const shown = new Set([...broken.map(([rule]) => rule), 'path-length', 'sha1']);
  assert.deepEqual(
    pathRules.map(({ id }) => id).filter((id) => !shown.has(id)),
    [],
  );
});

test('the pinned root is looked at like any other: it may be expired, or no CA', () => {
  const old = make({ subject: 'old', until: -1 });
  assert.match(find(makeEk(old), { roots: [old] }), /CN=old has expired/);
  const none = make({ subject: 'none', extensions: ekExtensions });
  assert.match(find(makeEk(none), { roots: [none] }), /CN=none is no CA/);
});

test('a critical extension of the leaf that nobody understands refuses it, and is named', () => {
  const unknown = extension('1.2.3.4', true, sequence());
  assert.match(find(makeEk(root, { extensions: [...ekExtensions, unknown] })), /critical extension 1\.2\.3\.4/);
});

test('an EK certificate that expired has a path: TPMs outlive their certificates', () => {
  assert.equal(find(makeEk(root, { until: -1 })), 'CN=tpm < CN=root');
});

test('an authority that may have none below it has none below it, unless it renewed its own name', () => {
  const narrow = make({ subject: 'narrow', by: root, extensions: [basicConstraints(true, 0), keyUsage(5)] });
  const sub = make({ subject: 'sub', by: narrow });
  assert.match(find(makeEk(sub), { links: [narrow, sub] }), /narrow may have 0 authorities below it, not 1/);
  assert.match(find(makeEk(sub), { links: [narrow, sub], without: 'path-length' }), /^CN=tpm < CN=sub < CN=narrow/);
  const renewed = make({ subject: 'narrow', by: narrow });
  assert.match(find(makeEk(renewed), { links: [narrow, renewed] }), /^CN=tpm < CN=narrow < CN=narrow/);
});

test('when one way is barred another one is taken', () => {
  const pair = pairOf('p256');
  const old = make({ subject: 'issuer', by: root, pair, until: -1 });
  const renewed = make({ subject: 'issuer', by: root, pair });
  for (const links of [
    [old, renewed],
    [renewed, old],
  ])
    assert.match(find(makeEk(old), { links }), /^CN=tpm < CN=issuer < CN=root/);
});

test('names are the same in whatever kind of string and with whatever letters, as makers write them', () => {
  const printable = make({ subject: nameDer(['O', 'Maker  Inc', 0x13], ['CN', 'Root CA 01', 0x13]) });
  const utf8 = nameDer(['O', 'MAKER Inc'], ['CN', 'Root CA 01']);
  assert.match(find(makeEk(printable, { issuerName: utf8 }), { roots: [printable] }), /^CN=tpm </);
  const several = make({
    subject: nameDer([
      ['CN', 'Root'],
      ['O', 'Nuvoton'],
    ]),
  });
  const turned = nameDer([
    ['O', 'Nuvoton'],
    ['CN', 'Root'],
  ]);
  assert.match(find(makeEk(several, { issuerName: turned }), { roots: [several] }), /^CN=tpm </);
  const apart = nameDer(['CN', 'Root'], ['O', 'Nuvoton']);
  assert.match(find(makeEk(several, { issuerName: apart }), { roots: [several] }), /no imported CA/);
});

test('keys and signatures of every kind that makers use', () => {
  for (const kind of ['p384', 'p521', 'rsa2048', 'rsa3072', 'rsa-pss'] as const)
    assert.match(under({ kind }), /^CN=tpm < CN=issuer < CN=root/, kind);
  assert.match(under({ kind: 'rsa2048' }, { signing: 'pss-sha256' }), /^CN=tpm </);
  assert.match(under({ kind: 'rsa2048' }, { signing: 'rsa-sha1' }), /^CN=tpm </, 'a leaf');
  assert.match(under({ kind: 'rsa2048' }, { signing: 'rsa-md5' }), /no imported CA/);
  const weak = make({ subject: 'weak', kind: 'rsa2048' });
  const issuer = make({ subject: 'issuer', by: weak, signing: 'rsa-sha1' });
  const sha1 = { roots: [weak], links: [issuer] };
  assert.match(find(makeEk(issuer), sha1), /issuer CN=issuer is certified with SHA-1/);
  assert.match(find(makeEk(issuer), { ...sha1, without: 'sha1' }), /^CN=tpm </);
});

const within = (name: Uint8Array) => ({ extensions: [...caExtensions, nameConstraints([directory(name)])] });
const company = nameDer(['O', 'Maker']);
const dns = (name: string) => der(0x82, new TextEncoder().encode(name));

test('name constraints hold for all names below', () => {
  const inside = { subject: nameDer(['O', 'maker'], ['CN', 'tpm']) };
  assert.match(under(within(company), inside), /^O=maker, CN=tpm </);
  assert.match(under(within(company)), /does not allow the names below it: a name that is not permitted/);
  const excluding = { extensions: [...caExtensions, nameConstraints([], [directory(company)])] };
  assert.match(under(excluding, inside), /an excluded name/);
  assert.match(under(excluding, { subject: nameDer(['O', ' MAKER '], ['CN', 'tpm']) }), /an excluded name/);
  assert.match(under(excluding), /^CN=tpm </);
  const san = { subject: nameDer(), extensions: [...ekExtensions, alternativeNames(true, tpmName('a', 'b', 'c'))] };
  assert.match(under(within(company), san), /not permitted/);
  assert.match(under(within(nameDer(['2.23.133.2.1', 'a'])), san), /^\(no subject\) </);
});

test('name constraints of other kinds, and of kinds that are not supported', () => {
  const constrained = (...names: Uint8Array[]) => ({ extensions: [...caExtensions, nameConstraints(names)] });
  const named = (...names: Uint8Array[]) => ({ extensions: [...ekExtensions, alternativeNames(false, ...names)] });
  const ip = (...octets: number[]) => der(0x87, Uint8Array.from(octets));
  const other = der(0x88, Uint8Array.of(0x2a, 3));
  const uri = (text: string) => der(0x86, new TextEncoder().encode(text));
  const mail = (text: string) => der(0x81, new TextEncoder().encode(text));
  const rows: [Uint8Array, Uint8Array, boolean][] = [
    [dns('example.org'), dns('a.Example.org'), true],
    [dns('example.org'), dns('badexample.org'), false],
    [ip(10, 0, 0, 0, 255, 0, 0, 0), ip(10, 1, 2, 3), true],
    [ip(10, 0, 0, 0, 255, 0, 0, 0), ip(11, 1, 2, 3), false],
    [ip(10, 0, 0, 0, 255, 0, 0, 0), ip(...Array(16).fill(0)), false],
    [uri('.example.org'), uri('https://a.example.org/x'), true],
    [uri('example.org'), uri('https://a.example.org/x'), false],
    [uri('example.org'), uri('no address'), false],
    [mail('a@example.org'), mail('a@EXAMPLE.org'), true],
    [mail('a@example.org'), mail('b@example.org'), false],
    [mail('example.org'), mail('b@example.org'), true],
    [mail('.example.org'), mail('b@example.org'), false],
    [dns('example.org'), ip(1, 2, 3, 4), true],
    [other, other, false],
    [other, dns('a'), true],
  ];
  for (const [base, name, passes] of rows)
    assert.equal(/^CN=tpm </.test(under(constrained(base), named(name))), passes, Buffer.from(name).toString('latin1'));
  const maximum = extension('2.5.29.30', true, sequence(der(0xa0, sequence(dns('a'), der(0x81, Uint8Array.of(3))))));
  assert.throws(() => make({ subject: 'x', extensions: [maximum] }), /minimum or maximum/);
});

test('a path is as long as it may be and no longer', () => {
  const chain = [root];
  for (let i = 1; i <= 50; i++) chain.unshift(make({ subject: `ca ${i}`, by: chain[0]! }));
  const links = chain.slice(0, -1);
  const longest = chain.at(-maxPath)!;
  assert.match(find(makeEk(longest), { links }), /CN=root$/);
  assert.match(find(makeEk(chain.at(-maxPath - 1)!), { links }), /no imported CA/);
  assert.match(find(makeEk(chain[0]!), { links }), /no imported CA/);
});

test('certificates that all certify one another, and ten thousand of one name, end after a fixed amount of work', () => {
  const pair = pairOf('p256');
  const circle = Array.from({ length: 16 }, () => make({ subject: 'circle', pair }));
  assert.match(find(makeEk(circle[0]!), { links: circle }), /too many ways/);
  const one = make({ subject: 'root', until: 2 * day });
  const crowd = Array.from({ length: 10_000 }, (_, i) => ({
    ...one,
    certificate: { ...one.certificate, fingerprint: i.toString(16).padStart(64, '0') },
  }));
  assert.match(find(makeEk(one), { links: crowd }), /too many ways|no imported CA/);
  assert.equal(find(makeEk(root), { links: crowd }), 'CN=tpm < CN=root');
});
