import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '@vouchsafe/bytes/hostile';
import { bootOf, imageOf, matched, testTime, variant } from '../../testing/images.ts';
import { activeRecord, type ImageRecord, type ImageStanding, standingOf } from '../image-record.ts';
import type { Finding } from '../verdict.ts';

const golden = bootOf();
const newer = variant({ kernel: 'vmlinuz-2' });
const record = (name: string, boot = golden, change: Partial<ImageRecord> = {}): ImageRecord => ({
  ...activeRecord(imageOf(name, boot)),
  ...change,
});
const [past, future] = ['2026-01-01T00:00:00Z', '2040-01-01T00:00:00Z'];
const told = (findings: readonly Finding[]) => [
  ...new Set(findings.map(({ check, severity }) => `${severity} ${check}`)),
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
