import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageSightings } from './image-sightings.ts';

const imported = '1970-01-01T00:01:00.000Z';

function store() {
  const rows = new Map<string, string>();
  let writes = 0;
  return {
    writes: () => writes,
    listState: (collection: string) => [...rows].map(([name, body]) => ({ collection, name, body: JSON.parse(body) })),
    putState(_collection: string, name: string, body: unknown) {
      writes++;
      rows.set(name, JSON.stringify(body));
    },
  };
}

const hostsOf = (sightings: ImageSightings, image: string) =>
  sightings.of(image, imported).map(({ host, last }) => [host, last.slice(14, 19)]);

test('hosts are listed by image, the latest first, also after a restart', () => {
  const state = store();
  const sightings = new ImageSightings(state);
  sightings.saw({ ek: 'a', host: 'kvm1', passed: ['old'], staged: [] }, 100);
  sightings.saw({ ek: 'b', host: 'kvm2', passed: ['old'], staged: ['next'] }, 160);
  sightings.saw({ ek: 'a', host: 'kvm1', passed: ['next'], staged: [] }, 220);
  for (const each of [sightings, new ImageSightings(state)]) {
    assert.deepEqual(hostsOf(each, 'next'), [
      ['kvm1', '03:40'],
      ['kvm2', '02:40'],
    ]);
    assert.deepEqual(hostsOf(each, 'old'), [
      ['kvm2', '02:40'],
      ['kvm1', '01:40'],
    ]);
    assert.deepEqual(hostsOf(each, 'constructor'), []);
  }
});

test('an image that was deleted and imported anew under the same name begins without hosts', () => {
  const sightings = new ImageSightings(store());
  sightings.saw({ ek: 'a', host: 'kvm1', passed: ['golden'], staged: [] }, 59);
  assert.deepEqual(hostsOf(sightings, 'golden'), []);
});

test('the same again is written once an hour, a change at once', () => {
  const state = store();
  const sightings = new ImageSightings(state);
  for (let now = 100; now < 100 + 7200; now += 600)
    sightings.saw({ ek: 'a', host: 'kvm1', passed: ['golden'], staged: [] }, now);
  assert.equal(state.writes(), 2);
  assert.deepEqual(hostsOf(sightings, 'golden'), [['kvm1', '51:40']], 'what is asked is up to date');
  sightings.saw({ ek: 'a', host: 'kvm1', passed: ['golden'], staged: ['next'] }, 7400);
  sightings.saw({ ek: 'a', host: 'renamed', passed: ['golden'], staged: [] }, 7401);
  assert.equal(state.writes(), 4);
});

test('a host that had many images is remembered with the latest', () => {
  const sightings = new ImageSightings(store());
  for (let i = 0; i < 100; i++) sightings.saw({ ek: 'a', host: 'kvm1', passed: [`image-${i}`], staged: [] }, 100 + i);
  assert.deepEqual(
    [
      hostsOf(sightings, 'image-0').length,
      hostsOf(sightings, 'image-67').length,
      hostsOf(sightings, 'image-68').length,
    ],
    [0, 0, 1],
  );
});

test('a staged image was seen, and nobody passed with it until it was active', () => {
  const state = store();
  const sightings = new ImageSightings(state);
  sightings.saw({ ek: 'a', host: 'kvm1', passed: [], staged: ['next'] }, 100);
  assert.deepEqual(sightings.of('next', imported), [{ ek: 'a', host: 'kvm1', last: '1970-01-01T00:01:40.000Z' }]);
  sightings.saw({ ek: 'a', host: 'kvm1', passed: ['next'], staged: [] }, 160);
  assert.equal(sightings.of('next', imported)[0]?.passed, '1970-01-01T00:02:40.000Z');
  assert.equal(state.writes(), 2, 'that it passes now is written at once');
});
