import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageOf, testTime } from '../testing/images.ts';
import { problem } from '../testing/problem.ts';
import { activeRecord, type ImageRecord, readImageRecord, standingOf } from './image-record.ts';

const image = imageOf('golden');
const active = activeRecord(image);
const at = (seconds: number) => new Date(seconds * 1000).toISOString();

test('a bare image that an older version stored counts', () => {
  assert.deepEqual(readImageRecord(JSON.parse(JSON.stringify(image))), active);
  assert.deepEqual(readImageRecord(JSON.parse(JSON.stringify(active))), active);
});

const malformed: [name: string, stored: unknown, naming: RegExp][] = [
  ['nothing', null, /./],
  ['a list', [], /./],
  ['another state', { ...active, state: 'trusted' }, /state/],
  ['a moment that is none', { ...active, not_after: 'soon' }, /not_after/],
  ['a member too many', { ...active, trust: true }, /trust/],
  ['an image that lacks its log', { ...active, image: { ...image, event_log: undefined } }, /event_log/],
  ['a bare image with the state of a record', { ...image, state: 'active' }, /state/],
];
for (const [name, stored, naming] of malformed) {
  test(`not read: ${name}`, () => assert.throws(() => readImageRecord(stored), problem('input.invalid', naming)));
}

const standings: [change: Partial<ImageRecord>, standing: string][] = [
  [{}, 'active'],
  [{ state: 'staged' }, 'staged'],
  [{ state: 'retired' }, 'retired'],
  [{ not_before: at(testTime) }, 'active'],
  [{ not_before: at(testTime + 1) }, 'not-yet-valid'],
  [{ not_after: at(testTime + 1) }, 'active'],
  [{ not_after: at(testTime) }, 'expired'],
  [{ state: 'staged', not_after: at(testTime) }, 'staged'],
  [{ not_before: '2026-99-99T00:00:00Z' }, 'not-yet-valid'],
  [{ not_after: '2026-99-99T00:00:00Z' }, 'expired'],
];
for (const [change, standing] of standings) {
  test(`${JSON.stringify(change)}: ${standing}`, () =>
    assert.equal(standingOf({ ...active, ...change }, testTime), standing));
}
