import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { bootOf, imageOf, variant } from '@vouchsafe/domain/testing/images';
import { boot, config } from '@vouchsafe/eventlog/testing/boot';
import { encodeSignatureLists } from '@vouchsafe/eventlog/uefi/signature-list';
import type { HttpClient } from '../../http/client.ts';
import { routesOf } from '../../management/operation.ts';
import { assertCovered, type Call, play } from '../../management/testing/calls.ts';
import { type TestPart, testPart } from '../../management/testing/part.ts';
import { AttestationConfiguration } from '../configuration.ts';
import { ImageSightings } from '../image-sightings.ts';
import { baseImages } from './base-images.ts';
import { compositions } from './compositions.ts';
import { minimums } from './minimums.ts';

const time = new Date('2027-01-15T08:00:00.000Z');
const images = '/attestation/os/base-images';
const composed = '/attestation/os/compositions';
const least = '/attestation/os/minimums';
const owner = '77fa9abd-0359-4d32-bd60-28f4e78f784b';
const dbx = encodeSignatureLists([[{ type: 'sha256', owner, data: new Uint8Array(32).fill(7) }]]);
const one = {
  ...imageOf('one', bootOf(boot.map((event, i) => (i === 5 ? config('dbx', dbx) : event)))),
  kernel: '6.1.0-32-amd64',
};
const two = imageOf('two', variant({ firmware: '2.0' }));
const declared = { name: 'one-two', firmware: 'one', boot: 'two' };
const entries = ['07'.repeat(32)];

let part: TestPart;
let configuration: AttestationConfiguration;
let client: HttpClient;
let sightings: ImageSightings;
const operations = () => {
  const context = { configuration, sightings, store: part.store, audit: part.audit, now: () => time };
  return [...baseImages(context), ...compositions(context), ...minimums(context)];
};

beforeEach(async () => {
  part = testPart();
  configuration = new AttestationConfiguration(part.store);
  for (const image of [one, two]) configuration.addImage(activeRecord(image));
  sightings = new ImageSightings(part.store);
  client = await part.serve(routesOf(operations()));
});
afterEach(() => part.close());

const composing: Call[] = [
  { call: ['GET', composed], gives: [] },
  { call: ['POST', composed, declared], gives: { ...declared, by: 'local-root', since: time.toISOString() } },
  { call: ['POST', composed, declared], fails: 'object.exists' },
  { call: ['POST', composed, { ...declared, name: 'one' }], fails: 'object.exists', naming: /base image one/ },
  { call: ['POST', composed, { ...declared, name: 'x', boot: 'one' }], fails: 'input.invalid', naming: /boot/ },
  { call: ['POST', composed, { ...declared, name: 'x', boot: 'none' }], fails: 'object.unknown', naming: /none/ },
  { call: ['POST', composed, { ...declared, name: 'x', firmware: 'none' }], fails: 'object.unknown', naming: /none/ },
  { call: ['POST', composed, { ...declared, kernel: 'two' }], fails: 'input.invalid', naming: /kernel/ },
  { call: ['GET', composed], gives: [{ ...declared, by: 'local-root', since: time.toISOString() }] },
  {
    call: ['POST', images, { image: { ...two, name: 'one-two' }, userspace_unmeasured: true }],
    fails: 'object.exists',
    naming: /composition/,
  },
  { call: ['DELETE', `${images}/one`], fails: 'object.in-use', naming: /one-two/ },
  { call: ['DELETE', `${composed}/none`], fails: 'object.unknown' },
  { call: ['DELETE', `${composed}/one-two`], gives: undefined },
  { call: ['DELETE', `${images}/two`], gives: undefined },
];

const below = [
  { image: 'two', check: 'dbx.minimum', detail: `base image two lacks 1 of 1 entries of list, such as ${entries[0]}` },
  {
    image: 'two',
    check: 'image.minimum',
    detail: 'base image two has kernel of unknown release, at least 6.1.0-30 is asked for',
  },
];
const asked = { kernel: '6.1.0-30', dbx: { name: 'list', entries } };
const asking: Call[] = [
  { call: ['GET', least], gives: { minimums: {}, below: [] } },
  { call: ['PUT', least, asked], gives: { minimums: asked, below } },
  { call: ['GET', least], gives: { minimums: asked, below } },
  { call: ['POST', `${images}/two/activate`], fails: 'image.untrusted', naming: /6\.1\.0-30/ },
  {
    call: ['POST', images, { image: { ...two, name: 'three' }, userspace_unmeasured: true, activate: true }],
    fails: 'image.untrusted',
    naming: /kernel of unknown release/,
  },
  { call: ['PUT', least, { kernel: 'a b' }], fails: 'input.invalid', naming: /kernel/ },
  { call: ['PUT', least, { shim: 1 }], fails: 'input.invalid', naming: /shim/ },
];

test('compositions are declared of images that are there, and hold them', async () => {
  await play(client, composing);
  assert.equal(configuration.epoch(), 2, 'composition deleted, image deleted');
});

test('minimums name the active images that lie below, and keep others from being activated', async () => {
  await play(client, asking);
  await client.call('POST', `${images}/one/activate`);
  const staged = { image: { ...two, name: 'three' }, userspace_unmeasured: true };
  await client.call('POST', images, staged);
  assert.equal(configuration.image('three').state, 'staged', 'what is staged trusts nothing');
  assert.equal(configuration.epoch(), 1);
  await client.call('PUT', least, {});
  await client.call('POST', `${images}/three/activate`);
});

test('an image names the hosts of the registry that had it, and when one last passed with it', async () => {
  const host = {
    name: 'kvm1',
    scope: 'a',
    state: 'approved',
    tpm: 'hardware',
    enrolled: 'approved',
    by: 'x',
    since: '',
  } as const;
  configuration.putHost({ ek: 'aa'.repeat(32), ...host });
  const [seconds, at] = [Math.floor(time.getTime() / 1000), '2027-01-15T08:00:00.000Z'];
  sightings.saw({ ek: 'aa'.repeat(32), host: 'kvm1', passed: ['one'], staged: ['two'] }, seconds);
  sightings.saw({ ek: 'bb'.repeat(32), host: 'gone', passed: ['one'], staged: [] }, seconds);
  const listed = (await client.call('GET', images)).body as {
    name: string;
    hosts: number;
    last_attested_time?: string;
  }[];
  assert.deepEqual(
    listed.map(({ name, hosts, last_attested_time: last }) => [name, hosts, last]),
    [
      ['one', 1, at],
      ['two', 1, undefined],
    ],
  );
  const { hosts } = (await client.call('GET', `${images}/one`)).body as { hosts: unknown };
  assert.deepEqual(hosts, [{ ek: 'aa'.repeat(32), host: 'kvm1', last: at, passed: at }]);
});

test('every operation is called well and badly', () => {
  const own = operations().filter(({ name }) => !name.startsWith('attestation.os.base-images'));
  assertCovered(own, [...composing, ...asking]);
});
