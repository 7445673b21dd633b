import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { seeded } from '@vouchsafe/bytes/hostile';
import { bootOf, imageOf, matched, testTime, variant } from '../../testing/images.ts';
import type { Composition } from '../composition.ts';
import { activeRecord, type ImageRecord, type ImageStanding, standingOf } from '../image-record.ts';
import { imagePcrs } from '../policy.ts';
import type { Finding } from '../verdict.ts';

const golden = bootOf();
const newer = variant({ kernel: 'vmlinuz-2' });
const record = (name: string, boot = golden, change: Partial<ImageRecord> = {}): ImageRecord => ({
  ...activeRecord(imageOf(name, boot)),
  ...change,
});
const [past, future] = ['2026-01-01T00:00:00Z', '2040-01-01T00:00:00Z'];
/** What was found, without the words of the difference, which have a test of their own. */
const told = (findings: readonly Finding[]) => [
  ...new Set(
    findings.filter(({ check }) => check !== 'image.difference').map(({ check, severity }) => `${severity} ${check}`),
  ),
];

const idle: [name: ImageStanding, change: Partial<ImageRecord>, severity: string][] = [
  ['staged', { state: 'staged' }, 'info'],
  ['retired', { state: 'retired' }, 'fail'],
  ['expired', { not_after: past }, 'fail'],
  ['not-yet-valid', { not_before: future }, 'fail'],
];

for (const [standing, change, severity] of idle) {
  test(`an image that is ${standing} lets nobody pass, is named to a host that has it, and says what to do`, () => {
    const old = record('old', golden, change);
    assert.equal(standingOf(old, testTime), standing);
    const alone = matched({ images: [old] }, golden);
    assert.deepEqual(
      [alone.trusted, told(alone.findings)],
      [false, [`${severity} image.${standing}`, 'fail image.none']],
    );
    assert.match(alone.findings[0]?.detail ?? '', /base image old /);
    assert.ok(alone.findings.every(({ advice }) => advice !== undefined));
    const beside = matched({ images: [old, record('newer', newer)] }, golden);
    assert.deepEqual(
      [beside.trusted, told(beside.findings)],
      [false, [`${severity} image.${standing}`, 'fail image.match']],
    );
    const other = matched({ images: [old, record('newer', newer)] }, newer);
    assert.deepEqual([other.trusted, told(other.findings)], [true, ['info image.match']], 'a host that has another');
    assert.equal(
      matched({ images: [{ ...old, state: 'active', not_before: past, not_after: future }] }, golden).trusted,
      true,
    );
  });
}

test('a staged image is a dry run beside the real verdict', () => {
  const staged = record('next', golden, { state: 'staged' });
  const passing = matched({ images: [staged, record('now', golden)] }, golden);
  assert.deepEqual([passing.trusted, told(passing.findings)], [true, ['info image.match', 'info image.staged']]);
  assert.deepEqual([passing.appraisal.get('image').name, passing.appraisal.get('staged')], ['now', ['next']]);
  const refused = matched({ images: [staged, record('now', newer)] }, golden);
  assert.deepEqual([refused.trusted, refused.appraisal.get('staged')], [false, ['next']]);
});

test('several images are active at once', () => {
  const images = [record('one', golden), record('two', newer)];
  assert.deepEqual(
    [golden, newer].map((boot) => matched({ images }, boot).appraisal.get('image').name),
    ['one', 'two'],
  );
  assert.equal(matched({ images }, variant({ kernel: 'vmlinuz-3' })).trusted, false);
});

test('of random policies only those with an active, valid image of this very boot trust it', () => {
  const random = seeded(20260601);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const boots = [golden, newer, variant({ firmware: '2.0' }), variant({ firmware: '2.0', kernel: 'vmlinuz-2' })];
  const images = boots.map((boot, i) => imageOf(`image-${i}`, boot));
  let trusted = 0;
  for (let run = 0; run < 2000; run++) {
    const records = Array.from({ length: Math.floor(random() * 5) }, () => ({
      ...activeRecord(pick(images)),
      state: pick(['staged', 'active', 'retired'] as const),
      ...pick([{}, {}, { not_before: past }, { not_before: future }]),
      ...pick([{}, {}, { not_after: past }, { not_after: future }]),
    }));
    const host = pick(boots.keys().toArray());
    const expected = records.some(
      ({ image, state, not_before = past, not_after = future }: ImageRecord) =>
        image === images[host] && state === 'active' && not_before !== future && not_after !== past,
    );
    const verdict = matched({ images: records }, boots[host]!);
    assert.equal(verdict.trusted, expected, JSON.stringify(records.map(({ image: _image, ...rest }) => rest)));
    assert.ok(
      verdict.trusted || verdict.findings.some(({ severity }) => severity === 'fail'),
      'a refusal has a reason',
    );
    if (expected) trusted++;
  }
  assert.ok(trusted > 100 && trusted < 1900, `${trusted} of 2000`);
});

/** Two boards and two kernels, of which only the pairs 1-1 and 2-2 were captured. */
const pairs = {
  one: variant({ firmware: '1.0', kernel: 'vmlinuz-1' }),
  two: variant({ firmware: '2.0', kernel: 'vmlinuz-2' }),
  mixed: variant({ firmware: '1.0', kernel: 'vmlinuz-2' }),
  other: variant({ firmware: '2.0', kernel: 'vmlinuz-1' }),
};
const images = [record('one', pairs.one), record('two', pairs.two)];
const declared: Composition = { name: 'one-two', firmware: 'one', boot: 'two', by: 'test', since: '' };

test('the firmware of one image with the boot of another is refused until it is declared, and then only this way round', () => {
  const refused = matched({ images }, pairs.mixed);
  assert.deepEqual([refused.trusted, told(refused.findings)], [false, ['fail image.mixed', 'fail image.match']]);
  assert.match(refused.findings[0]?.detail ?? '', /^firmware of one with boot of two/);
  assert.equal(refused.findings[0]?.advice, 'vouchsafe image compose NAME --firmware one --boot two');
  const accepted = matched({ images, compositions: [declared] }, pairs.mixed);
  assert.deepEqual([accepted.trusted, told(accepted.findings)], [true, ['info image.match']]);
  assert.match(accepted.findings[0]?.detail ?? '', /^composition one-two, firmware of one, boot of two, covers /);
  assert.equal(accepted.appraisal.get('image').name, 'one-two');
  assert.deepEqual(told(matched({ images, compositions: [declared] }, pairs.other).findings), [
    'fail image.mixed',
    'fail image.match',
  ]);
  const names = [pairs.one, pairs.two].map(
    (boot) => matched({ images, compositions: [declared] }, boot).appraisal.get('image').name,
  );
  assert.deepEqual(names, ['one', 'two'], 'an image stands for itself');
});

test('without the rule that an image is one whole, every mixture passes', () => {
  const pcrs = pairs.mixed.pcrs;
  const lax = imagePcrs.every((pcr) => images.some(({ image }) => image.pcrs[String(pcr)] === hex(pcrs.get(pcr)!)));
  assert.equal(lax, true);
});

test('single PCRs of one part are never mixed, whatever is declared', () => {
  const a = record('a', pairs.one);
  const b = record('b', pairs.two);
  const torn = (from: ImageRecord, pcr: number, to: ImageRecord): ImageRecord => ({
    ...from,
    image: { ...from.image, pcrs: { ...from.image.pcrs, [pcr]: to.image.pcrs[String(pcr)]! } },
  });
  const compositions = [
    { ...declared, firmware: 'a', boot: 'b' },
    { ...declared, name: 'b-a', firmware: 'b', boot: 'a' },
  ];
  assert.equal(matched({ images: [torn(a, 4, b), torn(b, 11, a)], compositions }, pairs.one).trusted, false);
});

const parts: [name: string, change: Partial<ImageRecord>, finding: string][] = [
  ['staged', { state: 'staged' }, 'info image.staged'],
  ['retired', { state: 'retired' }, 'fail image.retired'],
  ['expired', { not_after: past }, 'fail image.expired'],
];
for (const [name, change, finding] of parts) {
  test(`a composition with a part that is ${name} lets nobody pass`, () => {
    for (const at of [0, 1]) {
      const changed = images.map((each, i) => (i === at ? { ...each, ...change } : each));
      const { trusted, findings } = matched({ images: changed, compositions: [declared] }, pairs.mixed);
      assert.deepEqual([trusted, told(findings)[0]], [false, finding]);
      assert.match(
        findings[0]?.detail ?? '',
        new RegExp(`^composition one-two: base image ${at === 0 ? 'one' : 'two'} `),
      );
    }
  });
}

test('a composition of which a part was deleted is none', () => {
  const compositions = [declared, { ...declared, name: 'self', firmware: 'gone', boot: 'gone' }];
  assert.equal(matched({ images: images.slice(1), compositions }, pairs.mixed).trusted, false);
});

test('a composition covers what both parts prove', () => {
  const { covers } = images[0]!.image;
  const without = { ...images[0]!, image: { ...images[0]!.image, covers: { ...covers, firmware: false } } };
  const { appraisal } = matched({ images: [without, images[1]!], compositions: [declared] }, pairs.mixed);
  assert.deepEqual(appraisal.get('image').covers, { ...covers, firmware: false });
});
