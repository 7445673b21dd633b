import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyBitFlip, everyTruncation } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { ekExtensions, type Made, make, makeEk, nameDer, type Wanted } from '../testing/certificates.ts';
import { bits, der, integer, namedBits, octetString, oid, sequence, string } from '../testing/der.ts';
import { readCertificate } from './certificate.ts';
import { isIssuedBy, isSelfSigned } from './chain.ts';
import { Der, type Oddity, sizeOfFirst } from './der.ts';
import { booleanOf, namedBitsOf, oidOf, smallIntegerOf, textOf, timeOf } from './der-values.ts';
import { nameText, readNameBytes } from './distinguished-name.ts';

const element = (bytes: Uint8Array, odd: Oddity[] = []) => Der.over(bytes, 'x', (each) => odd.push(each)).any('value');
const text = (value: string) => new TextEncoder().encode(value);

test('what is no DER is refused, and the field is named', () => {
  const rows: [bytes: number[], why: RegExp][] = [
    [[], /value: missing/],
    [[0x30], /value: missing/],
    [[0x30, 1], /1 octets, 0 left/],
    [[0x30, 0x80, 0, 0], /no stated octets/],
    [[0x30, 0x85, 0, 0, 0, 0, 0], /a length of 5 octets/],
    [[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], /4294967295 octets, 0 left/],
    [[0x1f, 0x81, 0], /a tag of several octets/],
    [[0x3f, 0], /a tag of several octets/],
  ];
  for (const [bytes, why] of rows) {
    assert.throws(
      () => element(Uint8Array.from(bytes)),
      (e) => e instanceof DecodeError && why.test(e.message),
    );
    assert.equal(sizeOfFirst(Uint8Array.from(bytes)), undefined);
  }
  assert.equal(sizeOfFirst(Uint8Array.of(0x30, 1, 9, 9)), 3);
});

test('values of each kind, and what is none', () => {
  assert.equal(oidOf(element(oid('2.5.29.15'))), '2.5.29.15');
  assert.equal(oidOf(element(oid('2.23.133.8.1'))), '2.23.133.8.1');
  assert.equal(oidOf(element(oid('1.2.840.113549.1.1.11'))), '1.2.840.113549.1.1.11');
  for (const bad of [[], [0x80, 1], [0x81], Array(40).fill(1)])
    assert.throws(() => oidOf(element(der(6, Uint8Array.from(bad)))), DecodeError, String(bad));
  assert.equal(smallIntegerOf(element(integer(1, 0)), 1000), 256);
  for (const bad of [[], [0x80], [1, 0, 0, 0, 0, 0, 0], [4, 1]])
    assert.throws(() => smallIntegerOf(element(integer(...bad)), 1000), DecodeError, String(bad));
  assert.throws(() => booleanOf(element(der(1))), DecodeError);
  assert.throws(() => booleanOf(element(integer(1))), /expected boolean/);
  assert.deepEqual([...namedBitsOf(element(namedBits([0, 5])))], [0, 5]);
  assert.deepEqual([...namedBitsOf(element(namedBits([])))], []);
  for (const bad of [[], [8, 0], [1], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]])
    assert.throws(() => namedBitsOf(element(der(3, Uint8Array.from(bad)))), DecodeError, String(bad));
});

test('times of the calendar, in both forms', () => {
  const time = (tag: number, value: string, odd: Oddity[] = []) => timeOf(element(der(tag, text(value)), odd));
  assert.equal(time(0x17, '260101000000Z'), Date.UTC(2026, 0) / 1000);
  assert.equal(time(0x17, '500101000000Z'), Date.UTC(1950, 0) / 1000);
  assert.equal(time(0x18, '99991231235959Z'), Date.UTC(9999, 11, 31, 23, 59, 59) / 1000);
  const odd: Oddity[] = [];
  assert.equal(time(0x17, '2601010100+0100', odd), Date.UTC(2026, 0) / 1000);
  assert.equal(time(0x18, '20260101000000.5Z', odd), Date.UTC(2026, 0) / 1000);
  assert.deepEqual(odd, ['time-form', 'time-form']);
  const bad = ['', 'Z', '261301000000Z', '260100000000Z', '260101250000Z', '260101006000Z', '2601010000600000Z', 'x'];
  for (const each of bad) assert.throws(() => time(0x17, each), DecodeError, each);
  assert.throws(() => time(0x18, '20260101000000'), DecodeError);
  assert.throws(() => time(0x0c, '260101000000Z'), DecodeError);
});

test('strings of every kind are read, and nothing in a name controls a terminal', () => {
  const kinds: [number, number[], string][] = [
    [0x0c, [0xc3, 0xa9], 'é'],
    [0x13, [0x41], 'A'],
    [0x14, [0xe9], 'é'],
    [0x1e, [0x00, 0xe9, 0x41], 'é'],
    [0x1c, [0, 0, 0, 0xe9, 0xff, 0xff, 0xff, 0xff], 'é\ufffd'],
  ];
  for (const [tag, octets, expected] of kinds) assert.equal(textOf({ tag, value: Uint8Array.from(octets) }), expected);
  const shown = nameText(readNameBytes(nameDer(['CN', 'a\u001b[31m\u202eb'], ['1.2.3', 'c']), 'name'));
  assert.equal(shown, 'CN=a\ufffd[31m\ufffdb, 1.2.3=c');
  assert.throws(() => readNameBytes(sequence(der(0x31)), 'name'), /a set without attributes/);
  assert.throws(() => readNameBytes(sequence(sequence()), 'name'), /a set of attributes/);
  const many = Array.from({ length: 65 }, (_, i) => ['CN', String(i)] as const);
  assert.throws(() => readNameBytes(nameDer(...many), 'name'), /more than 64/);
});

/** A name whose length takes an octet more than it needs. */
function longName(): Uint8Array<ArrayBuffer> {
  const plain = nameDer(['CN', 'tpm']);
  return Uint8Array.of(0x30, 0x81, ...plain.subarray(1));
}

const unknown = (flag: number) => sequence(oid('1.2.3'), der(1, Uint8Array.of(flag)), octetString());
const disordered = nameDer([
  ['O', 'b'],
  ['CN', 'a'],
]);

const oddities: readonly [Oddity, Partial<Wanted>][] = [
  ['serial', { serial: [0] }],
  ['serial', { serial: [0x80, 1] }],
  ['serial', { serial: Array(21).fill(1) }],
  ['integer-form', { serial: [0, 1] }],
  ['version', { version: 1 }],
  ['length-form', { subject: longName() }],
  ['set-order', { subject: disordered }],
  ['explicit-default', { extensions: [...ekExtensions, unknown(0)] }],
  ['boolean-form', { extensions: [...ekExtensions, unknown(1)] }],
  ['bit-string-padding', { extensions: [sequence(oid('2.5.29.15'), octetString(der(3, Uint8Array.of(0, 8))))] }],
  ['signature-algorithm', { innerAlgorithm: sequence(oid('1.2.840.10045.4.3.2'), der(5)) }],
];

test('each oddity of an EK certificate is told, and the signature over it still holds', () => {
  const by = make({ subject: 'maker' });
  for (const [oddity, wanted] of oddities) {
    const odd: Oddity[] = [];
    const certificate = makeOdd(by, wanted, odd);
    assert.deepEqual(odd, [oddity]);
    assert.ok(isIssuedBy(certificate, by.certificate), oddity);
  }
});

const makeOdd = (by: Made, wanted: Partial<Wanted>, odd: Oddity[]) =>
  makeEk(by, { ...wanted, odd: (each) => odd.push(each) }).certificate;

test('authorities have to be what X.690 says, but for what makers of TPMs do', () => {
  for (const wanted of [{ serial: [0] }, { serial: [0, 1] }, { version: 1 }])
    assert.throws(() => make({ subject: 'ca', ...wanted }), /not DER/, JSON.stringify(wanted));
  assert.ok(make({ subject: disordered }));
});

test('what a certificate cannot be is refused, whoever bears what', () => {
  const twice = [...ekExtensions, ekExtensions[0]!];
  const rows: [Partial<Wanted>, RegExp][] = [
    [{ extensions: twice }, /stands twice/],
    [{ innerAlgorithm: sequence(oid('1.2.840.10045.4.3.3')) }, /another signature algorithm/],
    [{ extensions: [string('x')] }, /expected an extension/],
    [{ extensions: [sequence(oid('2.5.29.19'), octetString(sequence(), sequence()))] }, /too many/],
    [{ extensions: [sequence(oid('2.5.29.15'), octetString(integer(1)))] }, /keyUsage/],
    [{ version: 3 }, /version/],
    [{ spki: sequence(sequence(oid('1.2.3')), bits(new Uint8Array()), integer(1)) }, /subjectPublicKeyInfo/],
  ];
  const bear = () => undefined;
  for (const [wanted, why] of rows) assert.throws(() => make({ subject: 'x', odd: bear, ...wanted }), why);
  const { der: whole } = make({ subject: 'x' });
  assert.throws(() => readCertificate(Buffer.concat([whole, Buffer.alloc(1)])), /1 octets too many/);
  assert.throws(() => readCertificate(new Uint8Array(20_000)), /more than 16384 octets/);
});

test('no truncation is read, and no changed bit leaves the signature whole', () => {
  const { der: whole } = make({ subject: 'root' });
  everyTruncation(whole, (cut) => assert.throws(() => readCertificate(cut, () => undefined), DecodeError));
  const signatureOf = (bytes: Uint8Array) => Buffer.from(readCertificate(bytes, () => undefined).signature);
  const original = signatureOf(whole);
  everyBitFlip(whole, (flipped, bit) => {
    try {
      const changed = readCertificate(flipped, () => undefined);
      assert.equal(isSelfSigned(changed) && signatureOf(flipped).equals(original), false, `bit ${bit}`);
    } catch (error) {
      assert.ok(error instanceof DecodeError, `bit ${bit}: ${String(error)}`);
    }
  });
});
