import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromHex, hex } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { decodeDevicePath, devicePathText } from './device-path.ts';
import { guidBytes, guidText } from './guid.ts';
import { decodeImageLoad } from './image-load.ts';
import { decodeSignatureLists, encodeSignatureLists, type Signature } from './signature-list.ts';
import { decodeVariable, encodeVariable } from './variable.ts';

const global = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
const owner = '77fa9abd-0359-4d32-bd60-28f4e78f784b';
const utf16 = (text: string) => new Uint8Array(Buffer.from(`${text}\0`, 'utf16le'));

/** A device path node. */
const node = (type: number, subType: number, data: Uint8Array) =>
  concat(Uint8Array.of(type, subType, (data.length + 4) & 255, (data.length + 4) >> 8), data);
const end = node(0x7f, 0xff, new Uint8Array());

/** A copy with other bytes from `offset` on. */
function patch(bytes: Uint8Array, offset: number, ...values: number[]): Uint8Array {
  const out = bytes.slice();
  out.set(values, offset);
  return out;
}

test('UEFI 2.10, appendix A: the first three groups of a GUID are little-endian', () => {
  assert.equal(hex(guidBytes(global)), '61dfe48bca93d211aa0d00e098032b8c');
  assert.equal(guidText(guidBytes(global)), global);
  assert.throws(() => guidBytes('8be4df61'), /not a GUID/);
});

test('a variable comes back as it went; up to eight bytes behind it are spare', () => {
  const event = encodeVariable(global, 'SecureBoot', Uint8Array.of(1));
  assert.deepEqual(decodeVariable(event), {
    guid: global,
    name: 'SecureBoot',
    data: Uint8Array.of(1),
    size: 53,
    spare: 0,
  });
  assert.equal(decodeVariable(concat(event, new Uint8Array(6))).spare, 6);
  assert.throws(
    () => decodeVariable(concat(event, new Uint8Array(9))),
    /^DecodeError: UEFI_VARIABLE_DATA: 9 bytes too many/,
  );
});

test('lengths of a variable that no memory holds are refused', () => {
  const event = encodeVariable(global, 'db', Uint8Array.of(1));
  const huge = [255, 255, 255, 255, 255, 255, 255, 127];
  assert.throws(
    () => decodeVariable(patch(event, 16, ...huge)),
    /unicodeName: unicodeNameLength asks for \d+ bytes, limit 2048/,
  );
  assert.throws(
    () => decodeVariable(patch(event, 24, ...huge)),
    /variableData: variableDataLength asks for \d+ bytes, limit/,
  );
  assert.throws(() => decodeVariable(patch(event, 24, 20)), /variableData: need 20 bytes, 1 left/);
});

const lists: Signature[][] = [
  [{ type: 'x509', owner, data: fromHex('3082000102') }],
  [
    { type: 'sha256', owner, data: new Uint8Array(32).fill(1) },
    { type: 'sha256', owner, data: new Uint8Array(32).fill(2) },
  ],
];
const database = encodeSignatureLists(lists);

test('a signature database comes back as it went', () => {
  assert.deepEqual(decodeSignatureLists(database), lists.flat());
  assert.deepEqual(decodeSignatureLists(new Uint8Array()), []);
});

test('signature lists whose sizes contradict each other are refused', () => {
  const table: [string, Uint8Array, RegExp][] = [
    ['list below its head', patch(database, 16, 27, 0), /signatureListSize 27 is below 28/],
    ['list size 0', patch(database, 16, 0, 0), /signatureListSize 0 is below 28/],
    [
      'header beyond the list',
      patch(database, 20, 255, 255, 255, 255),
      /is below 28 and signatureHeaderSize 4294967295/,
    ],
    ['entry size 0', patch(database, 24, 0), /signatureSize 0, expected more than the owner's 16/],
    ['entry without data', patch(database, 24, 16), /signatureSize 16, expected more/],
    ['half an entry', patch(database, 24, 20), /holds no whole number of 20 bytes/],
    ['list beyond the value', patch(database, 16, 255, 255), /no whole number|need \d+ bytes/],
    ['SHA-256 of another size', patch(database, 49 + 24, 96), /signatureSize 96 of sha256, expected 48/],
  ];
  for (const [what, bytes, message] of table) {
    assert.throws(
      () => decodeSignatureLists(bytes),
      (e) => e instanceof DecodeError && (message.test(e.message) || assert.fail(`${what}: ${e.message}`)),
    );
  }
});

const hd = fromHex(`01000000${'0008000000000000'}${'dff7020000000000'}${'00'.repeat(16)}0202`);
const path = concat(
  node(2, 1, fromHex('d041030a00000000')),
  node(1, 1, Uint8Array.of(0, 2)),
  node(4, 1, hd),
  node(4, 4, utf16('\\EFI\\BOOT\\BOOTX64.EFI')),
  end,
);

test('UEFI 2.10, 10.6: a device path as text', () => {
  assert.equal(
    devicePathText(path),
    `PciRoot(0x0)/Pci(0x2,0x0)/HD(1,GPT,${guidText(new Uint8Array(16))},0x800,0x2f7df)/\\EFI\\BOOT\\BOOTX64.EFI`,
  );
  assert.equal(devicePathText(node(9, 9, fromHex('aabb'))), 'Path(9,9,aabb)');
  assert.equal(devicePathText(node(1, 1, fromHex('aa'))), 'Path(1,1,aa)');
});

test('names in a device path cannot write to a terminal', () => {
  assert.equal(devicePathText(node(4, 4, utf16('a\u001b[2Jb\u202e'))), 'a\\u{1b}[2Jb\\u{202e}');
});

test('device paths without end are refused: length 0, too many nodes, bytes behind the end', () => {
  assert.throws(() => decodeDevicePath(fromHex('01010000')), /\[0\]: a node of 0 bytes, expected at least 4/);
  assert.throws(() => decodeDevicePath(fromHex('01010300')), /a node of 3 bytes/);
  assert.throws(() => decodeDevicePath(fromHex('0101ffff')), /need 65531 bytes, 0 left/);
  assert.throws(
    () => decodeDevicePath(concat(...Array.from({ length: 300 }, () => node(1, 1, Uint8Array.of(0, 0))))),
    /more than 256 nodes/,
  );
  assert.throws(() => decodeDevicePath(concat(end, end)), /4 bytes too many/);
});

test('an image load event: 2^64 - 1 bytes of device path are refused, the padding of shim is not', () => {
  const empty = new Uint8Array(32);
  assert.equal(decodeImageLoad(concat(empty, new Uint8Array(9))).devicePath.length, 0);
  assert.throws(() => decodeImageLoad(concat(empty, new Uint8Array(10))), /10 bytes too many/);
  assert.throws(
    () => decodeImageLoad(patch(empty, 24, ...Array(8).fill(255))),
    /lengthOfDevicePath asks for 18446744073709551615 bytes/,
  );
});

test('truncations, bit flips and seeded mutations end in a value or in a clear error', () => {
  const survive = (bytes: Uint8Array) => {
    for (const decoder of [decodeVariable, decodeSignatureLists, decodeDevicePath, devicePathText, decodeImageLoad]) {
      try {
        decoder(bytes);
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
      }
    }
  };
  const samples = [
    database,
    path,
    encodeVariable(global, 'db', database),
    concat(new Uint8Array(24), Uint8Array.of(path.length, 0, 0, 0, 0, 0, 0, 0), path),
  ];
  for (const sample of samples) {
    everyTruncation(sample, survive);
    everyBitFlip(sample, survive);
  }
  mutations(samples, 32, 3_000, survive);
});
