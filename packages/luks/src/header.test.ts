import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { afMerge, afSplit } from './af.ts';
import { headerSize, phdrSize } from './layout.ts';
import { openHeader } from './open.ts';
import { decodeHeader, encodePhdr, type Phdr } from './phdr.ts';
import { isVolumeKey } from './slot.ts';
import { addSlot, removeSlot } from './slots.ts';
import { passphraseOf, sampleHeader, sampleKeys, sampleUuid, seededBytes } from './testing/sample.ts';

const keys = sampleKeys(1);
const header = sampleHeader(1);
const phdr = decodeHeader(header);

test('a header gives its volume key to its passphrase and to no other', () => {
  assert.equal(header.length, headerSize);
  assert.ok(openHeader(header, keys.passphrase)?.equals(keys.volumeKey));
  assert.equal(openHeader(header, sampleKeys(2).passphrase), undefined);
  assert.ok(isVolumeKey(phdr, keys.volumeKey));
  assert.ok(!isVolumeKey(phdr, sampleKeys(2).volumeKey));
});

test('neither volume key nor passphrase stands in the header', () => {
  for (const secret of [keys.volumeKey, keys.passphrase])
    secret.use((bytes) => assert.equal(Buffer.from(header).indexOf(Buffer.from(bytes.subarray(0, 8))), -1));
});

test('decoding and encoding give the same bytes', () => {
  assert.deepEqual(encodePhdr(phdr), header.slice(0, phdrSize));
  assert.equal(phdr.uuid, sampleUuid);
});

test('AFmerge undoes AFsplit, and one changed bit loses the key', () => {
  const key = seededBytes(3)(64);
  const split = afSplit(key, seededBytes(4));
  assert.deepEqual(afMerge(split), key);
  split[123_456]! ^= 1;
  assert.notDeepEqual(afMerge(split), key);
});

test('a second passphrase opens, a removed one does not and leaves no key material', () => {
  const second = passphraseOf(seededBytes(5)(32));
  const random = seededBytes(6);
  const two = addSlot(header, { ...keys, passphrase: second, iterations: 1000, random });
  assert.ok(openHeader(two, keys.passphrase)?.equals(keys.volumeKey));
  assert.ok(openHeader(two, second)?.equals(keys.volumeKey));
  const one = removeSlot(two, 0, random);
  assert.equal(openHeader(one, keys.passphrase), undefined);
  assert.ok(openHeader(one, second)?.equals(keys.volumeKey));
  const enabledAgain = one.slice();
  enabledAgain.set(header.subarray(0, phdrSize));
  assert.equal(openHeader(enabledAgain, keys.passphrase), undefined);
});

test('slots are kept in order', () => {
  const random = seededBytes(7);
  const slot = { ...keys, iterations: 1000, random };
  assert.throws(() => addSlot(header, { ...slot, volumeKey: sampleKeys(2).volumeKey }), { code: 'key.wrong' });
  assert.throws(() => removeSlot(header, 0, random), { code: 'slot.last' });
  assert.throws(() => removeSlot(header, 3, random), { code: 'slot.inactive' });
  assert.throws(() => removeSlot(header, 8, random), { code: 'slot.inactive' });
  let full = header as Uint8Array;
  for (let i = 1; i < 8; i++) full = addSlot(full, slot);
  assert.throws(() => addSlot(full, slot), { code: 'slot.none-free' });
});

test('a new header refuses what would be no protection', () => {
  const { volumeKey } = keys;
  const equalHalves = passphraseOf(new Uint8Array(48));
  assert.equal(equalHalves.length, 64);
  assert.throws(() => sampleHeader(1, { volumeKey: equalHalves }), { code: 'key.halves-equal' });
  assert.throws(() => sampleHeader(1, { volumeKey: keys.passphrase }), { code: 'key.size' });
  assert.throws(() => sampleHeader(1, { volumeKey, passphrase: passphraseOf(new Uint8Array()) }), {
    code: 'passphrase.empty',
  });
  assert.throws(() => sampleHeader(1, { uuid: 'disk-1' }), { code: 'uuid.malformed' });
  assert.throws(() => sampleHeader(1, { iterations: 999 }), { code: 'iterations.range' });
  assert.throws(() => sampleHeader(1, { iterations: 2e6 + 1 }), { code: 'iterations.range' });
});

const slot0 = phdr.keySlots[0]!;
const inSlot0 = (change: Partial<typeof slot0>): Partial<Phdr> => ({
  keySlots: phdr.keySlots.with(0, { ...slot0, ...change }),
});
const malformed: [change: Partial<Phdr>, message: RegExp][] = [
  [{ cipherName: 'serpent' }, /LUKS_PHDR\.cipherName: expected aes, found serpent/],
  [{ cipherMode: 'cbc-essiv:sha256' }, /cipherMode: expected xts-plain64/],
  [{ hashSpec: 'sha1' }, /hashSpec: expected sha256/],
  [{ keyBytes: 32 }, /keyBytes: expected 64, found 32/],
  [{ keyBytes: 0xffffffff }, /keyBytes: expected 64/],
  [{ uuid: '' }, /uuid: expected a UUID/],
  [{ payloadOffset: 0 }, /payloadOffset: expected 8\.\.32768 sectors, found 0/],
  [{ payloadOffset: 0xffffffff }, /payloadOffset: expected 8\.\.32768/],
  [{ payloadOffset: 512 }, /keySlots\[1\]\.keyMaterialOffset: key material at sector 512 is not between/],
  [{ mkDigestIterations: 0 }, /mkDigestIterations: expected at least 1/],
  [{ mkDigestIterations: 0xffffffff }, /iterations with all enabled key slots, limit 20000000/],
  [inSlot0({ passwordIterations: 0 }), /keySlots\[0\]\.passwordIterations: expected at least 1/],
  [inSlot0({ passwordIterations: 20_000_000 }), /20001000 iterations with all enabled key slots/],
  [inSlot0({ stripes: 1 }), /keySlots\[0\]\.stripes: expected 4000, found 1/],
  [inSlot0({ stripes: 0xffffffff }), /keySlots\[0\]\.stripes: expected 4000/],
  [inSlot0({ keyMaterialOffset: 0 }), /keySlots\[0\]\.keyMaterialOffset: key material at sector 0 is not between/],
  [inSlot0({ keyMaterialOffset: 0xffffffff }), /keySlots\[0\]\.keyMaterialOffset/],
  [inSlot0({ keyMaterialOffset: 600 }), /keySlots\[1\]\.keyMaterialOffset: .* overlaps that of key slot 0/],
];

for (const [change, message] of malformed) {
  test(`malformed header: ${message.source}`, () => {
    const bytes = header.slice();
    bytes.set(encodePhdr({ ...phdr, ...change }));
    assert.throws(() => openHeader(bytes, keys.passphrase), message);
    assert.throws(() => openHeader(bytes, keys.passphrase), DecodeError);
  });
}

const bytesAt: [at: number, value: number, message: RegExp][] = [
  [0, 0x4d, /magic: not the bytes of a LUKS header/],
  [7, 2, /version: expected 0x1, found 0x2/],
  [11, 0xff, /cipherName: expected printable ASCII text and zeros/],
  [30, 0x61, /cipherName: expected printable ASCII text and zeros/],
  [208, 1, /keySlots\[0\]\.active: expected one of enabled, disabled/],
];
for (const [at, value, message] of bytesAt) {
  test(`byte ${at} = ${value}: ${message.source}`, () => {
    assert.throws(() => decodeHeader(header.with(at, value)), message);
  });
}

test('every cut header is refused', () => {
  everyTruncation(header.slice(0, phdrSize), (cut) => assert.throws(() => decodeHeader(cut), DecodeError));
  assert.throws(() => openHeader(header.subarray(0, -1), keys.passphrase), /need 2068480 bytes of header/);
});

test('every bit flip is refused or decodes to another header, never to an error of another kind', () => {
  everyBitFlip(header.slice(0, phdrSize), (flipped, bit) => {
    const again = decodedOrRefused(flipped);
    if (again !== undefined) assert.deepEqual(encodePhdr(again), flipped, `bit ${bit}`);
  });
});

test('seeded mutations are refused or decode', () => {
  let refused = 0;
  mutations([header.slice(0, phdrSize)], 1, 20_000, (bytes) => {
    if (decodedOrRefused(bytes) === undefined) refused++;
  });
  assert.ok(refused > 1000);
});

function decodedOrRefused(bytes: Uint8Array): Phdr | undefined {
  try {
    return decodeHeader(bytes);
  } catch (error) {
    assert.ok(error instanceof DecodeError, String(error));
    return undefined;
  }
}

test('a flip in salt, digest or key material opens nothing', () => {
  const digest = 112;
  const slotSalt = 216;
  const material = 8 * 512 + 1;
  for (const at of [digest, digest + 19, 132, slotSalt, slotSalt + 31, material, material + 255_000])
    assert.equal(openHeader(header.with(at, header[at]! ^ 1), keys.passphrase), undefined, `byte ${at}`);
});
