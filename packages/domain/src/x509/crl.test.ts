import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import {
  basicConstraints,
  extension,
  keyUsage,
  type Made,
  make,
  makeCrl,
  makeEk,
  type WantedCrl,
} from '../testing/certificates.ts';
import { boolean, der, integer, octetString, oid, sequence } from '../testing/der.ts';
import { testTime } from '../testing/group.ts';
import { type Crl, covers, isLater, readCrl, whyNotCrlOf } from './crl.ts';
import { crlsByIssuer, revocationOf } from './revocation.ts';

const root = make({ subject: 'root' });
const issuer = make({ subject: 'issuer', by: root });
const leaf = makeEk(issuer);
const list = (wanted: Partial<WantedCrl> = {}): Crl => readCrl(makeCrl({ by: issuer, ...wanted }));
const path = [leaf, issuer, root].map(({ certificate }) => certificate);
const status = (crls: Crl[], mode: 'off' | 'if-present' | 'required' = 'if-present', now = testTime) =>
  revocationOf(path, crlsByIssuer(crls), mode, now);

const crlIssuer = (...usages: number[]): Made =>
  make({ subject: 'issuer', by: root, extensions: [basicConstraints(true), keyUsage(...usages)] });

test('a list says of whom it is, when it is due again, and whom it revokes', () => {
  const crl = list({ revoked: [leaf, { serial: [0, 0x99] }], number: 7 });
  assert.equal(crl.number, '07');
  assert.equal(crl.nextUpdate, testTime + 86400);
  assert.deepEqual([...crl.revoked.keys()], [leaf.certificate.serial, '99']);
  assert.equal(list({ until: undefined }).nextUpdate, undefined);
  assert.equal(whyNotCrlOf(crl, issuer.certificate), undefined);
});

test('a list counts for the CA that signed it, and for no other of the same name', () => {
  const crl = list();
  assert.match(String(whyNotCrlOf(crl, root.certificate)), /another issuer/);
  assert.match(String(whyNotCrlOf(crl, crlIssuer(5, 6).certificate)), /the signature is not by/);
  const signsNone = crlIssuer(5);
  assert.match(String(whyNotCrlOf(list({ by: signsNone }), signsNone.certificate)), /may not sign revocation lists/);
  const pss = make({ subject: 'pss', kind: 'rsa-pss' });
  assert.equal(whyNotCrlOf(list({ by: pss }), pss.certificate), undefined);
});

test('revoked leaves and revoked authorities are told, with reason and day', () => {
  assert.equal(status([list({ revoked: [leaf] })]).fault?.kind, 'revoked');
  const reason = sequence(extension('2.5.29.21', false, der(0x0a, Uint8Array.of(1))));
  const serial = [...Buffer.from(leaf.certificate.serial, 'hex')];
  const why = status([list({ revoked: [{ serial, extensions: reason }] })]).fault?.why;
  assert.match(String(why), /^the certificate was revoked on \d{4}-\d\d-\d\d \(keyCompromise\)$/);
  const above = status([list({ by: root, revoked: [issuer] })]).fault?.why;
  assert.match(String(above), /its issuer CN=issuer was revoked/);
  assert.equal(status([list({ revoked: [issuer] })]).fault, undefined, 'the serial number of another issuer');
});

test('a revocation in a list that is out of date still counts', () => {
  assert.equal(status([list({ revoked: [leaf], until: -1 })]).fault?.kind, 'revoked');
});

test('how long an answer stands is the earliest due date of its lists', () => {
  assert.equal(status([list(), list({ by: root, until: 60 })]).until, testTime + 60);
  assert.equal(status([]).until, Number.POSITIVE_INFINITY);
});

test('a list that has yet to begin, or is due, is no current one', () => {
  assert.equal(status([list()], 'required').fault?.kind, 'unchecked', 'none of the root');
  const both = [list(), list({ by: root })];
  assert.equal(status(both, 'required').fault, undefined);
  assert.equal(status(both, 'required', testTime + 86400).fault?.kind, 'unchecked');
  assert.equal(status([list({ from: 60 }), list({ by: root })], 'required').fault?.kind, 'unchecked');
  assert.match(status([list({ until: -1 })]).notes.join(), /out of date/);
});

const point = (...fields: Uint8Array[]) => [extension('2.5.29.28', true, sequence(...fields))];
const flag = (n: number) => der(0x80 | n, Uint8Array.of(0xff));
const url = (text: string) => der(0x86, new TextEncoder().encode(text));
const fullName = (text: string) => der(0xa0, der(0xa0, url(text)));

test('a list for authorities only, users only, or one address, speaks of no others', () => {
  const ca = issuer.certificate;
  const rows: [Crl, boolean, boolean][] = [
    [list(), true, true],
    [list({ extensions: point(flag(1)) }), true, false],
    [list({ extensions: point(flag(2)) }), false, true],
    [list({ extensions: point(fullName('http://a/')) }), false, false],
  ];
  for (const [crl, ofLeaf, ofCa] of rows)
    assert.deepEqual([covers(crl, leaf.certificate), covers(crl, ca)], [ofLeaf, ofCa]);
  const points = extension('2.5.29.31', false, sequence(sequence(fullName('http://a/'))));
  const named = makeEk(issuer, { extensions: [points] });
  assert.deepEqual(named.certificate.extensions.crlUrls, ['http://a/']);
  assert.equal(covers(list({ extensions: point(fullName('http://a/')) }), named.certificate), true);
});

test('what is not understood and critical makes a list say nothing', () => {
  const critical = (id: string, value: Uint8Array = octetString()) => [extension(id, true, value)];
  const rows: [Partial<WantedCrl>, RegExp][] = [
    [{ extensions: critical('1.2.3') }, /critical extension 1\.2\.3 is not supported/],
    [{ extensions: critical('2.5.29.27', integer(1)) }, /critical extension 2\.5\.29\.27/],
    [{ extensions: point(flag(4)) }, /of other issuers are not supported/],
    [{ extensions: point(flag(5)) }, /not supported/],
    [{ extensions: point(der(0x83, Uint8Array.of(0, 1))) }, /for some reasons/],
    [{ extensions: point(flag(1), flag(2)) }, /not supported/],
    [{ revoked: [{ serial: [1], extensions: sequence(...critical('2.5.29.29')) }] }, /critical extension 2\.5\.29\.29/],
    [{ revoked: [{ serial: [1], extensions: sequence(sequence(oid('1.2'), boolean(true))) }] }, /value/],
  ];
  for (const [wanted, why] of rows) assert.throws(() => list(wanted), why);
  assert.ok(list({ extensions: [extension('1.2.3', false, octetString())] }));
});

test('a later list has the greater number, or the later date', () => {
  assert.equal(isLater(list({ number: 2 }), list({ number: 1 })), true);
  assert.equal(isLater(list({ number: 1, from: 0 }), list({ number: 2 })), false);
  assert.equal(isLater(list({ from: -10 }), list({ from: -20 })), true);
  assert.equal(isLater(list(), list()), false);
});

test('a huge list costs one look-up for a certificate, and one that is too large is refused', () => {
  const revoked = Array.from({ length: 30_000 }, (_, i) => ({ serial: [1, i >> 16, (i >> 8) & 0xff, i & 0xff] }));
  const huge = list({ revoked: [...revoked, leaf] });
  assert.equal(huge.revoked.size, 30_001);
  assert.equal(status([huge]).fault?.kind, 'revoked');
  assert.throws(() => readCrl(new Uint8Array(8 * 1024 * 1024 + 1)), /more than 8388608 octets/);
});

test('no truncation is read, no changed bit passes for the list, and mutants end in an error of the reader', () => {
  const whole = makeCrl({ by: issuer, revoked: [leaf] });
  everyTruncation(whole, (cut) => assert.throws(() => readCrl(cut), DecodeError));
  everyBitFlip(whole, (flipped, bit) => {
    try {
      const changed = readCrl(flipped);
      assert.notEqual(whyNotCrlOf(changed, issuer.certificate), undefined, `bit ${bit}`);
    } catch (error) {
      assert.ok(error instanceof DecodeError, `bit ${bit}: ${String(error)}`);
    }
  });
  mutations([whole, makeCrl({ by: root, extensions: point(flag(1)) })], 1, 3000, (bytes) => {
    try {
      readCrl(bytes);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
    }
  });
});
