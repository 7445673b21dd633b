import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@vouchsafe/bytes/codec';
import { concat } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { corpusBytes, withCorpus } from '../testing/corpus.ts';
import { decodeDatabaseFile, SignedValue } from './database-file.ts';
import { guidBytes } from './guid.ts';
import { encodeSignatureLists, type Signature } from './signature-list.ts';

const owner = '77fa9abd-0359-4d32-bd60-28f4e78f784b';
const entries: Signature[] = [1, 2, 3].map((fill) => ({ type: 'sha256', owner, data: new Uint8Array(32).fill(fill) }));
const bare = encodeSignatureLists([entries]);
const signed = (certData: Uint8Array, dwLength = 24 + certData.length) =>
  encode(SignedValue, {
    timeStamp: new Uint8Array(16),
    dwLength,
    wRevision: 0x0200,
    wCertificateType: 0x0ef1,
    certType: guidBytes('4aafd29d-68df-49ee-8aa9-347d375665a7'),
    certDataAndValue: concat(certData, bare),
  });
const update = signed(new Uint8Array(700).fill(0x30));

test('each form gives the same entries', () => {
  assert.deepEqual(decodeDatabaseFile(bare), entries);
  assert.deepEqual(decodeDatabaseFile(concat(Uint8Array.of(0x27, 0, 0, 0), bare)), entries);
  assert.deepEqual(decodeDatabaseFile(update), entries);
});

test('the dbx of a real machine, as efivarfs shows it', withCorpus, () => {
  const file = corpusBytes('measured-boot', 'uki-sb', 'dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f');
  assert.deepEqual(
    decodeDatabaseFile(file).map(({ type, data }) => [type, data.length]),
    [['sha256', 32]],
  );
});

test('what is no signature database says so', () => {
  const wrong = ['MZ', 'not a dbx file at all', JSON.stringify({ hashes: [] })].map((text) => Buffer.from(text));
  for (const file of [
    ...wrong,
    bare.subarray(1),
    signed(new Uint8Array(8), 0),
    signed(new Uint8Array(8), 2 ** 32 - 1),
  ]) {
    assert.throws(() => decodeDatabaseFile(file), DecodeError);
  }
});

test('cut, flipped and mutated files give entries or an error of their own', () => {
  const hostile = (bytes: Uint8Array) => {
    try {
      for (const { data } of decodeDatabaseFile(bytes)) assert.ok(data.length <= bytes.length);
    } catch (error) {
      assert.ok(error instanceof DecodeError);
    }
  };
  for (const file of [bare, signed(new Uint8Array(8))]) {
    everyTruncation(file, hostile);
    everyBitFlip(file, hostile);
  }
  mutations([bare, update], 11, 5000, hostile);
});
