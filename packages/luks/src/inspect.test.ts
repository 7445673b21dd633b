import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { inspectLuks } from './inspect.ts';
import { phdrSize } from './layout.ts';
import { decodeHeader, encodePhdr } from './phdr.ts';
import { sampleHeader, sampleUuid } from './testing/sample.ts';

const header = sampleHeader(1).slice(0, phdrSize);

test('a header of ours is described without salts and digests', () => {
  const view = inspectLuks(header);
  assert.deepEqual(JSON.parse(JSON.stringify(view)), {
    format: 'luks1',
    supported: true,
    problems: [],
    header: {
      uuid: sampleUuid,
      cipher: 'aes-xts-plain64',
      hash: 'sha256',
      keyBits: 512,
      payloadOffset: 2068480,
      digestIterations: 1000,
      keySlots: [
        { slot: 0, active: true, iterations: 1000, stripes: 4000, keyMaterialOffset: 4096 },
        ...Array.from({ length: 7 }, (_, i) => ({ slot: i + 1, active: false })),
      ],
    },
  });
});

test('a LUKS1 header with another cipher is described with what is not supported', () => {
  const other = encodePhdr({ ...decodeHeader(header), cipherMode: 'cbc-essiv:sha256', keyBytes: 32 });
  const view = inspectLuks(other);
  assert.equal(view.supported, false);
  assert.deepEqual(view.problems, [
    'cipherMode: expected xts-plain64, found cbc-essiv:sha256',
    'keyBytes: expected 64, found 32',
  ]);
});

const qcow2 = (method: number) => Uint8Array.from([0x51, 0x46, 0x49, 0xfb, ...new Uint8Array(31), method]);
const formats: [name: string, bytes: Uint8Array, format: string, problem: RegExp][] = [
  ['LUKS2', header.with(7, 2), 'luks2', /LUKS2 is not supported/],
  ['the second header of LUKS2', Uint8Array.from(Buffer.from('SKUL\xba\xbe\0\x02', 'latin1')), 'luks2', /LUKS2/],
  ['qcow2 with LUKS', qcow2(2), 'qcow2-luks', /inside qcow2 is not supported/],
  ['qcow2', qcow2(0), 'qcow2', /without LUKS/],
];
for (const [name, bytes, format, problem] of formats) {
  test(`${name} is named and said to be unsupported`, () => {
    const view = inspectLuks(bytes);
    assert.equal(view.format, format);
    assert.equal(view.supported, false);
    assert.match(view.problems.join(), problem);
  });
}

test('anything else is refused with the field named', () => {
  assert.throws(() => inspectLuks(new Uint8Array(512)), /LUKS_PHDR.magic: neither a LUKS nor a qcow2 image/);
  assert.throws(() => inspectLuks(qcow2(2).subarray(0, 35)), /QCowHeader.crypt_method: need 36 bytes/);
  everyTruncation(header, (cut) => assert.throws(() => inspectLuks(cut), DecodeError));
  mutations([header, qcow2(2)], 2, 5000, (bytes) => {
    try {
      inspectLuks(bytes);
    } catch (error) {
      assert.ok(error instanceof DecodeError, String(error));
    }
  });
});
