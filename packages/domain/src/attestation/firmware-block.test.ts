import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problem } from '../testing/problem.ts';
import { concerns, type FirmwareBlock, rangeOf, readFirmwareBlock } from './firmware-block.ts';
import { firmwareText, firmwareWords, readFirmware } from './firmware-version.ts';
import { knownFirmware } from './known-firmware.ts';

const block: FirmwareBlock = {
  name: 'one',
  manufacturer: 'IFX',
  model: 'SLB 9670',
  versions: [{ from: '7.0', below: '7.62' }],
  severity: 'fail',
  reason: 'why',
};

test('versions are read as the makers write them', () => {
  assert.equal(readFirmware('7.61', 'x'), 0x0007_003d_0000_0000n);
  assert.equal(readFirmware('7.2.2.0', 'x'), 0x0007_0002_0002_0000n);
  assert.equal(readFirmware('1.3.2', 'x'), 0x0001_0003_0002_0000n);
  assert.equal(firmwareWords(0x0007_003d_000a_e100n), '7.61.10.57600');
  assert.equal(firmwareText(1n), '0000000000000001');
});

test('what is no version is refused by its field', () => {
  for (const text of [
    '',
    '7',
    '7.',
    '.1',
    '7.65536',
    '7.1.1.1.1',
    '7.-1',
    '7.1a',
    ' 7.1',
    '٧.1',
    `${'1.'.repeat(50)}1`,
  ])
    assert.throws(() => readFirmware(text, 'versions.0.from'), problem('input.invalid', /^versions\.0\.from/), text);
});

test('an entry is refused when it can never match, or would match all by mistake', () => {
  const bad: [object, RegExp][] = [
    [{ versions: [] }, /versions/],
    [{ versions: [{ from: '7.62', below: '7.0' }] }, /versions\.0.*not before/],
    [{ versions: [{ from: '7.0', below: '7.0' }] }, /not before/],
    [{ versions: [{ from: '7.0' }] }, /versions/],
    [{ manufacturer: 'Infineon' }, /manufacturer/],
    [{ manufacturer: '' }, /manufacturer/],
    [{ model: '' }, /model/],
    [{ severity: 'info' }, /severity/],
    [{ advisory: 'http://x' }, /advisory/],
    [{ name: '../x' }, /name/],
    [{ reason: '' }, /reason/],
    [{ bogus: 1 }, /bogus/],
  ];
  for (const [change, says] of bad)
    assert.throws(
      () => readFirmwareBlock({ ...block, ...change }),
      problem('input.invalid', says),
      JSON.stringify(change),
    );
});

test('an entry concerns its maker and model; a model that nobody knows may be the one', () => {
  const maker = (manufacturer: string | undefined, model?: string) => concerns(block, { manufacturer, model });
  assert.deepEqual([maker('IFX', 'SLB9670'), maker('IFX', 'slb-9670 vq'), maker('IFX')], [true, true, true]);
  assert.deepEqual([maker('IFX', 'SLB9672'), maker('STM', 'SLB9670'), maker(undefined)], [false, false, false]);
});

/** Versions as tpm2_getcap showed them on real TPMs, and what the makers' advisories say of them. */
const real: [name: string, manufacturer: string, model: string, version: bigint, names: string[]][] = [
  ['SLB9670 7.61', 'IFX', 'SLB9670', 0x0007003d_000ae100n, ['CVE-2017-15361']],
  ['SLB9670 7.85', 'IFX', 'SLB9670', 0x00070055_0011cb00n, []],
  ['SLB9665 5.61', 'IFX', 'SLB9665', 0x0005003d_000ae100n, ['CVE-2017-15361']],
  ['SLB9665 5.62', 'IFX', 'SLB9665', 0x0005003e_000c3600n, []],
  ['SLB9672 15.23', 'IFX', 'SLB9672', 0x000f0017_00450000n, []],
  ['NPCT75x 7.2.1.0', 'NTC', 'NPCT75x', 0x00070002_00010000n, ['CVE-2020-25082', 'CVE-2025-2884']],
  ['NPCT75x 7.2.2.0', 'NTC', 'NPCT75x', 0x00070002_00020000n, ['CVE-2025-2884']],
  ['NPCT75x 7.2.5.0', 'NTC', 'NPCT75x', 0x00070002_00050000n, []],
  ['NPCT65x 1.3.2.8', 'NTC', 'NPCT6xx', 0x00010003_00020008n, ['CVE-2023-1017']],
  ['NPCT65x 1.3.2.20', 'NTC', 'NPCT6xx', 0x00010003_00020014n, []],
  ['ST33 73.4', 'STM', 'ST33TPHF2ESPI', 0x00490004_00000000n, ['CVE-2019-16863']],
  ['ST33 73.20', 'STM', 'ST33TPHF2ESPI', 0x00490014_00000000n, []],
  ['swtpm', 'id:00001014', 'swtpm', 0x20191023_00163636n, []],
];

test('the list that comes with the program says of real TPMs what their makers say', () => {
  for (const [name, manufacturer, model, version, names] of real) {
    const hits = knownFirmware.filter((each) => concerns(each, { manufacturer, model }) && rangeOf(each, version));
    assert.deepEqual(
      hits.map((each) => each.name),
      names,
      name,
    );
  }
  for (const each of knownFirmware) {
    assert.deepEqual(readFirmwareBlock(each), each);
    assert.ok(each.advisory, each.name);
  }
});
