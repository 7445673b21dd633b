import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boot, config } from '@vouchsafe/eventlog/testing/boot';
import type { EventInput } from '@vouchsafe/eventlog/testing/build';
import { encodeSignatureLists } from '@vouchsafe/eventlog/uefi/signature-list';
import { encodeVariable } from '@vouchsafe/eventlog/uefi/variable';
import { validator } from '../parse.ts';
import { bootOf, imageOf, matched } from '../testing/images.ts';
import { problem } from '../testing/problem.ts';
import type { BaseImage } from './base-image.ts';
import { imageMatch } from './checks/image-match.ts';
import { imageMinimum } from './checks/image-minimum.ts';
import { activeRecord } from './image-record.ts';
import { dbxEntry, Minimums, shortfalls } from './minimums.ts';

const owner = '77fa9abd-0359-4d32-bd60-28f4e78f784b';
const digests = [1, 2, 3].map((fill) => new Uint8Array(32).fill(fill));
const less = encodeSignatureLists([digests.map((data) => ({ type: 'sha256', owner, data }))]);
const certificate = Uint8Array.of(0x30, 0x82, 0, 1, 9);
const dbx = encodeSignatureLists([
  digests.map((data) => ({ type: 'sha256', owner, data })),
  [{ type: 'x509', owner, data: certificate }],
]);
const entries = [
  ...digests.map((data) => dbxEntry({ type: 'sha256', owner, data })),
  dbxEntry({ type: 'x509', owner, data: certificate }),
];
const sbat = (text: string, name = 'SbatLevel', guid = '605dab50-e046-4300-abb6-3dd810dd8b23'): EventInput => ({
  pcr: 7,
  type: 'EV_EFI_VARIABLE_AUTHORITY',
  data: encodeVariable(guid, name, new Uint8Array(Buffer.from(text))),
});
const level = sbat('sbat,1,2024010900\nshim,4\ngrub,3\n');

/** A boot with a dbx of four entries and these further measurements of PCR 7. */
const events = (...more: EventInput[]) => [...boot.map((event, i) => (i === 5 ? config('dbx', dbx) : event)), ...more];
const made = bootOf(events(level));
const image: BaseImage = { ...imageOf('golden', made), kernel: '6.1.0-32-amd64' };
const ids = (minimums: Minimums, of = image) => shortfalls(of, minimums).map(({ id }) => id);

const cases: [name: string, minimums: Minimums, ids: string[]][] = [
  ['nothing', {}, []],
  [
    'what it has',
    { sbat: { shim: 4, grub: 3 }, sbat_date: '2024010900', dbx: { name: 'x', entries }, kernel: '6.1.0-32' },
    [],
  ],
  [
    'less than it has',
    { sbat: { shim: 3 }, dbx: { name: 'x', entries: entries.slice(1, 2) }, kernel: '5.10.0-28' },
    [],
  ],
  ['a newer shim', { sbat: { shim: 5 } }, ['sbat.minimum']],
  ['a component that it does not revoke', { sbat: { 'grub.debian': 4 } }, ['sbat.minimum']],
  ['a later level', { sbat_date: '2025051000' }, ['sbat.minimum']],
  ['an entry more', { dbx: { name: 'x', entries: [...entries, 'ff'.repeat(32)] } }, ['dbx.minimum']],
  [
    'the digest of a certificate as that of a program',
    { dbx: { name: 'x', entries: [entries[3]!.slice(5)] } },
    ['dbx.minimum'],
  ],
  ['a newer kernel', { kernel: '6.1.0-33' }, ['image.minimum']],
  [
    'everything newer',
    { sbat: { shim: 9, grub: 9 }, dbx: { name: 'x', entries: ['ff'.repeat(32)] }, kernel: '9' },
    ['sbat.minimum', 'sbat.minimum', 'dbx.minimum', 'image.minimum'],
  ],
];
for (const [name, minimums, expected] of cases) {
  test(`asked for ${name}: ${expected.join() || 'enough'}`, () => assert.deepEqual(ids(minimums), expected));
}

const shim4 = { sbat: { shim: 4 } };
const hidden: [name: string, more: EventInput[]][] = [
  ['no level', []],
  ['a level of somebody else', [{ ...level, data: sbat('sbat,1,2024010900\nshim,9\n', 'SbatLevel', owner).data }]],
  ['a level under another name', [sbat('sbat,1,2024010900\nshim,9\n', 'SbatLevelRT')]],
  [
    'a text that was not measured',
    [{ ...level, data: sbat('sbat,1,2024010900\nshim,9\n').data, measured: 'something else' }],
  ],
  ['an old level', [sbat('sbat,1,2024010900\nshim,2\n')]],
  [
    'an old level, and a higher one that root measured behind it',
    [sbat('sbat,1,2024010900\nshim,2\n'), sbat('sbat,1,2024010900\nshim,9\n')],
  ],
  ['a level behind one that cannot be read', [sbat('shim,9'), sbat('sbat,1,2024010900\nshim,9\n')]],
];
for (const [name, more] of hidden) {
  test(`not proven: ${name}`, () =>
    assert.deepEqual(ids(shim4, imageOf('x', bootOf(events(...more)))), ['sbat.minimum']));
}

test('a dbx that stands twice, or behind the separator, proves nothing', () => {
  const late = bootOf([...boot.filter((_, i) => i !== 5), config('dbx', dbx)]);
  const twice = bootOf(events().flatMap((event, i) => (i === 5 ? [event, event] : [event])));
  const minimums = { dbx: { name: 'x', entries } };
  for (const each of [late, twice]) assert.deepEqual(ids(minimums, imageOf('x', each)), ['dbx.minimum']);
});

test('an image whose kernel nobody named is below every minimum', () => {
  const { kernel: _kernel, ...unnamed } = image;
  assert.deepEqual(ids({ kernel: '0' }, unnamed), ['image.minimum']);
});

test('downgrade: a host with an older image that is still active is refused, and passes without the check', () => {
  const policy = { images: [activeRecord(image)], minimums: { kernel: '6.1.0-33', sbat: { shim: 5 } } };
  const { trusted, findings } = matched(policy, made, [imageMatch, imageMinimum]);
  assert.equal(trusted, false);
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'fail').map(({ check, image: of }) => [check, of]),
    [
      ['sbat.minimum', 'golden'],
      ['image.minimum', 'golden'],
    ],
  );
  assert.equal(matched(policy, made, [imageMatch]).trusted, true, 'without the check the attack succeeds');
});

test('a host whose dbx grew since its image was captured reaches a minimum that the image does not', () => {
  const more = encodeSignatureLists([
    [...digests, new Uint8Array(32).fill(4)].map((data) => ({ type: 'sha256', owner, data })),
  ]);
  const grown = bootOf(events(level).map((event, i) => (i === 5 ? config('dbx', more) : event)));
  const old = imageOf('old', bootOf(events(level).map((event, i) => (i === 5 ? config('dbx', less) : event))));
  const minimums = { dbx: { name: 'x', entries: ['04'.repeat(32)] } };
  const rules = { 'secure-boot.match': 'keys' } as const;
  const policy = { images: [activeRecord(old)], minimums, rules };
  assert.deepEqual(ids(minimums, old), ['dbx.minimum']);
  const checks = [imageMatch, imageMinimum];
  assert.equal(matched(policy, grown, checks).trusted, true);
  const behind = bootOf(events(level).map((event, i) => (i === 5 ? config('dbx', less) : event)));
  assert.equal(matched(policy, behind, checks).trusted, false, 'a host with the dbx of the image');
});

const bad: [name: string, minimums: unknown, naming: RegExp][] = [
  ['a generation of nothing', { sbat: { shim: 0 } }, /sbat\.shim/],
  ['a component that is a sentence', { sbat: { 'a b': 1 } }, /sbat/],
  ['no entries', { dbx: { name: 'x', entries: [] } }, /dbx\.entries/],
  ['an entry that is no digest', { dbx: { name: 'x', entries: ['00'] } }, /dbx\.entries/],
  ['a date that is none', { sbat_date: 'today' }, /sbat_date/],
  ['another member', { shim: 4 }, /shim/],
];
for (const [name, minimums, naming] of bad) {
  test(`not written: ${name}`, () =>
    assert.throws(() => validator('minimums', Minimums)(minimums), problem('input.invalid', naming)));
}
