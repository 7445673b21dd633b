import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bits,
  constant,
  decode,
  encode,
  type Infer,
  list,
  oneOf,
  sized,
  struct,
  u8,
  u16,
  u32,
  u64,
  union,
} from './codec.ts';
import { everyTruncation } from './hostile.ts';
import { DecodeError } from './reader.ts';

const Inner = struct('INNER', { clock: u64, safe: u8 });
const Sample = struct('SAMPLE', {
  magic: constant(u32, 0xff544347),
  type: oneOf(u16, { quote: 0x8018, certify: 0x8017 }),
  name: sized('NAME', u16, 8),
  flags: bits('FLAGS', u32, { fixedTPM: 1, sign: 18 }),
  items: list('ITEMS', u32, u16, 4),
  body: union('type', { quote: Inner, certify: struct('CERTIFY', { x: u8 }) }),
});
type Sample = Infer<typeof Sample>;

const sample: Sample = {
  magic: 0xff544347,
  type: 'quote',
  name: new Uint8Array([1, 2, 3]),
  flags: { fixedTPM: true, sign: true },
  items: [1, 2],
  body: { clock: 2n ** 63n, safe: 1 },
};

test('a structure comes back as it went', () => {
  assert.deepEqual(decode(Sample, encode(Sample, sample)), sample);
});

test('the type of a union follows its tag', () => {
  const value = decode(Sample, encode(Sample, sample));
  assert.equal(value.type === 'quote' ? value.body.clock : undefined, 2n ** 63n);
});

test('every truncation names a field and costs nothing', () => {
  everyTruncation(encode(Sample, sample), (bytes) =>
    assert.throws(
      () => decode(Sample, bytes),
      (e) => e instanceof DecodeError && e.path.startsWith('SAMPLE.'),
    ),
  );
});

test('malformed input is refused by name', () => {
  const good = encode(Sample, sample);
  const at = (offset: number, value: number) => {
    const bytes = good.slice();
    bytes[offset] = value;
    return bytes;
  };
  const table: [string, Uint8Array, RegExp][] = [
    ['wrong magic', at(0, 0), /^SAMPLE\.magic: expected 0xff544347, found 0x544347 \(at byte 0\)$/],
    ['unknown type', at(5, 0x19), /^SAMPLE\.type: expected one of quote, certify, found 0x8019 \(at byte 4\)$/],
    ['length over the limit', at(7, 9), /^SAMPLE\.name: 9 bytes, limit 8 \(at byte 6\)$/],
    ['reserved bit', at(11, 0x80), /^SAMPLE\.flags: reserved bits are set: 0x80000000 \(at byte 11\)$/],
    ['too many items', at(15, 0xff), /^SAMPLE\.items: 4278190082 items, limit 4 \(at byte 15\)$/],
    ['bytes left over', new Uint8Array([...good, 0]), /^SAMPLE: 1 bytes too many/],
  ];
  for (const [what, bytes, message] of table) assert.throws(() => decode(Sample, bytes), { message }, what);
});
