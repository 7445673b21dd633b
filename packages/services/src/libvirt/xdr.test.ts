import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from '@vouchsafe/bytes/codec';
import { hex } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { int, opaque, optional, string } from './xdr.ts';

test('RFC 4506, 4.1: signed integers', () => {
  for (const value of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) assert.equal(decode(int, encode(int, value)), value);
  assert.equal(hex(encode(int, -2)), 'fffffffe');
  for (const value of [2 ** 31, 0.5]) assert.throws(() => encode(int, value), /does not fit/);
});

test('RFC 4506, 4.10 and 4.11: filled up to a multiple of four', () => {
  const text = string(5);
  assert.equal(hex(encode(text, 'sillä'.slice(0, 4))), '0000000473696c6c');
  assert.equal(hex(encode(text, 'abcde')), '000000056162636465000000');
  for (const value of ['', 'a', 'ab', 'abc', 'é']) assert.equal(decode(text, encode(text, value)), value);
});

test('RFC 4506, 4.19: a value that may be missing', () => {
  assert.equal(hex(encode(optional(int), undefined)), '00000000');
  assert.equal(decode(optional(int), encode(optional(int), 7)), 7);
});

test('malformed values are refused by name', () => {
  const table: [Uint8Array, RegExp][] = [
    [Buffer.from('0000000661626364', 'hex'), /6 bytes, limit 5/],
    [Buffer.from('ffffffff', 'hex'), /4294967295 bytes, limit 5/],
    [Buffer.from('0000000161000001', 'hex'), /padding is not zero/],
    [Buffer.from('00000001ff000000', 'hex'), /not UTF-8/],
    [Buffer.from('0000000161', 'hex'), /need 3 bytes, 0 left/],
  ];
  for (const [bytes, message] of table) assert.throws(() => decode(string(5), bytes), message);
  assert.throws(() => decode(optional(int), Buffer.from('00000002', 'hex')), DecodeError);
  assert.throws(() => encode(opaque(1), new Uint8Array(2)), /limit 1/);
});
