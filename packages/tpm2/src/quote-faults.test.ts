import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { encode } from '@vouchsafe/bytes/codec';
import { concat } from '@vouchsafe/bytes/hex';
import { everyTruncation } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { decodeAttest, TpmsQuoteInfo as QuoteInfo, quoteInfoOf, type TpmsQuoteInfo } from './attest.ts';
import { type PcrValues, quoteDigest } from './quote-digest.ts';
import {
  extraDataFault,
  magicFault,
  pcrDigestFault,
  qualifiedSignerFault,
  quotedValues,
  selectionFault,
  typeFault,
} from './quote-faults.ts';
import { decodeSignature } from './signature.ts';
import { signatureFault } from './signature-fault.ts';
import { everyAttestType, sampleQuote, softwareKey } from './testing/software-key.ts';

const value = (byte: number) => new Uint8Array(32).fill(byte);
const values: PcrValues = {
  sha256: new Map([
    [0, value(10)],
    [7, value(17)],
    [8, value(18)],
    [16, value(26)],
  ]),
};
const sha256 = (...parts: Uint8Array[]) =>
  new Uint8Array(
    createHash('sha256')
      .update(concat(...parts))
      .digest(),
  );
const quoteOf = (...pcrSelect: TpmsQuoteInfo['pcrSelect']): TpmsQuoteInfo => ({
  pcrSelect,
  pcrDigest: quoteDigest(pcrSelect, values, 'sha256'),
});

test('a forged magic under a true signature is a finding of its own', () => {
  const key = softwareKey('ecc');
  const forged = sampleQuote({ magic: 0x54434746 });
  assert.equal(signatureFault(forged, decodeSignature(key.sign(forged)), key.area), undefined);
  assert.equal(magicFault(decodeAttest(forged))?.code, 'attest.magic');
  assert.equal(magicFault(decodeAttest(sampleQuote())), undefined);
});

test('every type but a quote is a finding of its own, whatever the body looks like', () => {
  const good = sampleQuote();
  assert.equal(typeFault(decodeAttest(good)), undefined);
  for (const type of [0x8014, 0x8015, 0x8016, 0x8017, 0x8019, 0x801a, 0x801c, 0, 0xffff]) {
    const forged = good.slice();
    new DataView(forged.buffer).setUint16(4, type);
    assert.equal(typeFault(decodeAttest(forged))?.code, 'attest.type', type.toString(16));
  }
  assert.deepEqual(everyAttestType.length, 8);
});

test('extraData must be all of what was asked for', () => {
  const attest = decodeAttest(sampleQuote());
  assert.equal(extraDataFault(attest, new Uint8Array(32).fill(2)), undefined);
  for (const other of [new Uint8Array(), new Uint8Array(31).fill(2), new Uint8Array(33).fill(2), value(3)])
    assert.equal(extraDataFault(attest, other)?.code, 'attest.extraData');
});

test('qualifiedSigner is compared', () => {
  const attest = decodeAttest(sampleQuote());
  assert.equal(qualifiedSignerFault(attest, new Uint8Array(34).fill(1)), undefined);
  assert.equal(qualifiedSignerFault(attest, new Uint8Array(34))?.code, 'attest.qualifiedSigner');
});

test('a quote over no, fewer or other PCRs, or of another bank, is refused', () => {
  const table: [string, TpmsQuoteInfo['pcrSelect']][] = [
    ['nothing', []],
    ['no PCR', [{ hash: 'sha256', pcrSelect: [] }]],
    ['fewer', [{ hash: 'sha256', pcrSelect: [0] }]],
    ['PCR 16 for PCR 7', [{ hash: 'sha256', pcrSelect: [0, 16] }]],
    ['another bank', [{ hash: 'sha1', pcrSelect: [0, 7] }]],
  ];
  for (const [what, pcrSelect] of table) {
    const quote = { pcrSelect, pcrDigest: new Uint8Array(32) };
    assert.equal(selectionFault(quote, 'sha256', [0, 7])?.code, 'quote.selection', what);
  }
  assert.equal(selectionFault(quoteOf({ hash: 'sha256', pcrSelect: [0, 7, 8] }), 'sha256', [0, 7]), undefined);
  assert.equal(selectionFault(quoteOf({ hash: 'sha256', pcrSelect: [0] }), 'sha256', [])?.code, 'quote.selection');
});

test('Part 1, 17.6.2: the digest follows the order of the selection', () => {
  const quote = quoteOf({ hash: 'sha256', pcrSelect: [0, 7, 16] });
  assert.deepEqual(quote.pcrDigest, sha256(value(10), value(17), value(26)));
  assert.equal(pcrDigestFault(quote, values, 'sha256'), undefined);
  const banks: PcrValues = { ...values, sha1: new Map([[0, new Uint8Array(20).fill(1)]]) };
  const selection = [
    { hash: 'sha1' as const, pcrSelect: [0] },
    { hash: 'sha256' as const, pcrSelect: [0] },
  ];
  assert.deepEqual(quoteDigest(selection, banks, 'sha256'), sha256(new Uint8Array(20).fill(1), value(10)));
  assert.notDeepEqual(quoteDigest(selection.toReversed(), banks, 'sha256'), quoteDigest(selection, banks, 'sha256'));
});

test('values that the quote does not vouch for are refused', () => {
  const quote = quoteOf({ hash: 'sha256', pcrSelect: [0, 7, 16] });
  const replaced = (pcr: number, by: Uint8Array): PcrValues => ({ sha256: new Map(values.sha256).set(pcr, by) });
  const without: PcrValues = { sha256: new Map([...(values.sha256 ?? [])].filter(([pcr]) => pcr !== 7)) };
  const shifted: PcrValues = {
    sha256: new Map([
      [0, value(10)],
      [7, value(17)],
      [8, value(26)],
    ]),
  };
  const table: [string, PcrValues][] = [
    ['a changed value', replaced(7, value(99))],
    ['a value too short', replaced(7, new Uint8Array(31))],
    ['a value missing', without],
    ['the value of 16 as that of 8', shifted],
    ['another bank', { sha384: new Map([[0, new Uint8Array(48)]]) }],
    ['none', {}],
  ];
  for (const [what, claimed] of table)
    assert.equal(pcrDigestFault(quote, claimed, 'sha256')?.code, 'quote.digest', what);
  assert.equal(pcrDigestFault(quote, values, 'sha384')?.code, 'quote.digest', 'the hash of another scheme');
});

test('values whose border is shifted have the digest of the quote, and are refused', () => {
  const quote = quoteOf({ hash: 'sha256', pcrSelect: [0, 7] });
  const both = concat(value(10), value(17));
  const shifted: PcrValues = {
    sha256: new Map([
      [0, both.slice(0, 31)],
      [7, both.slice(31)],
    ]),
  };
  assert.deepEqual(sha256(both), quote.pcrDigest);
  assert.equal(pcrDigestFault(quote, shifted, 'sha256')?.code, 'quote.digest');
});

test('values outside the selection are dropped', () => {
  const quote = quoteOf({ hash: 'sha256', pcrSelect: [0, 7] });
  assert.deepEqual(
    [...(quotedValues(quote, values).sha256 ?? [])].map(([pcr]) => pcr),
    [0, 7],
  );
  assert.deepEqual(quotedValues(quote, {}).sha256, new Map());
});

test('a TPMS_ATTEST stands bare: no size before it, nothing behind it', () => {
  const good = sampleQuote();
  const size = new Uint8Array([good.length >> 8, good.length]);
  everyTruncation(good, (cut) => assert.throws(() => quoteInfoOf(decodeAttest(cut)), DecodeError));
  assert.throws(() => quoteInfoOf(decodeAttest(concat(good, new Uint8Array(1)))), DecodeError);
  const wrapped = concat(size, good);
  assert.ok(fails(() => magicFault(decodeAttest(wrapped)) === undefined));
});

/** Whether `f` throws a DecodeError or answers false. */
function fails(f: () => boolean): boolean {
  try {
    return !f();
  } catch (error) {
    return error instanceof DecodeError;
  }
}

test('malformed quotes name the field', () => {
  const select = (bytes: number[]) =>
    concat(new Uint8Array([0, 0, 0, 1, 0, 0x0b]), new Uint8Array(bytes), new Uint8Array(2));
  const twice = [0, 0, 0, 2, 0, 0x0b, 3, 1, 0, 0, 0, 0x0b, 3, 2, 0, 0, 0, 0];
  const table: [string, Uint8Array, RegExp][] = [
    ['sizeofSelect 0', select([0]), /pcrSelect\[0\]\.pcrSelect: sizeofSelect is 0, expected 3/],
    ['sizeofSelect 2', select([2, 1, 0]), /sizeofSelect is 2/],
    ['sizeofSelect 255', select([255, 1, 0, 0]), /sizeofSelect is 255/],
    ['PCR 24', select([4, 0, 0, 0, 1]), /PCR 24 is selected, the highest is 23/],
    ['a bank twice', new Uint8Array(twice), /bank sha256 stands twice/],
    ['2^32-1 banks', new Uint8Array([255, 255, 255, 255]), /4294967295 items, limit 16/],
    ['an unknown bank', new Uint8Array([0, 0, 0, 1, 0, 0x99, 3, 0, 0, 0, 0, 0]), /hash: expected one of/],
  ];
  for (const [what, attested, message] of table)
    assert.throws(() => quoteInfoOf({ ...decodeAttest(sampleQuote()), attested }), { message }, what);
  const four = quoteInfoOf({ ...decodeAttest(sampleQuote()), attested: select([4, 1, 0, 0, 0]) });
  assert.deepEqual(four.pcrSelect, [{ hash: 'sha256', pcrSelect: [0] }]);
  assert.throws(
    () => encode(QuoteInfo, { pcrSelect: [{ hash: 'sha256', pcrSelect: [24] }], pcrDigest: value(0) }),
    TypeError,
  );
});
