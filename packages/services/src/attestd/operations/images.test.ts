import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, test } from 'node:test';
import { base64url } from '@vouchsafe/bytes/base64url';
import type { ImageComparison } from '@vouchsafe/domain/attestation/image-comparison';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { signImageFile } from '@vouchsafe/domain/attestation/image-signature';
import { testGroup } from '@vouchsafe/domain/testing/group';
import { bootOf, imageOf, variant } from '@vouchsafe/domain/testing/images';
import { problem } from '@vouchsafe/domain/testing/problem';
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
import { imageSigners } from './image-signers.ts';
import { minimums } from './minimums.ts';

const ours = await testGroup();
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
  const context = {
    group: ours.group,
    configuration,
    sightings,
    store: part.store,
    audit: part.audit,
    now: () => time,
  };
  return [...baseImages(context), ...compositions(context), ...minimums(context), ...imageSigners(context)];
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

const release = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = String(release.publicKey.export({ type: 'spki', format: 'pem' }));
const signers = '/attestation/os/image-signers';
const imageSettings = '/attestation/os/image-settings';
const listed = { name: 'release', key, by: 'local-root', since: time.toISOString() };
const octets = Buffer.from(JSON.stringify({ ...two, name: 'three' }));
const signature = await signImageFile(octets, release.privateKey);
const file = { file: base64url(octets), userspace_unmeasured: true };
const tampered = { ...file, file: base64url(Buffer.from(octets.toString().replace('three', 'other'))), signature };

const signing: Call[] = [
  { call: ['GET', signers], gives: [] },
  { call: ['GET', imageSettings], gives: { image_signature: 'off' } },
  { call: ['POST', images, { ...file, signature }], fails: 'image.untrusted', naming: /no signer is listed/ },
  { call: ['POST', signers, { name: 'release', key: 'none' }], fails: 'input.malformed', naming: /release/ },
  { call: ['POST', signers, { name: '../x', key }], fails: 'input.invalid', naming: /name/ },
  { call: ['POST', signers, { name: 'release', key }], gives: listed },
  { call: ['POST', signers, { name: 'release', key }], fails: 'object.exists' },
  { call: ['GET', signers], gives: [listed] },
  { call: ['GET', imageSettings], gives: { image_signature: 'required' } },
  { call: ['POST', images, file], fails: 'image.untrusted', naming: /no signature/ },
  { call: ['POST', images, tampered], fails: 'image.untrusted', naming: /changed/ },
  {
    call: ['POST', images, { image: two, signature, userspace_unmeasured: true }],
    fails: 'input.invalid',
    naming: /signature: expected the file/,
  },
  { call: ['POST', images, { ...file, image: two }], fails: 'input.invalid', naming: /exactly one/ },
  { call: ['POST', images, { userspace_unmeasured: true }], fails: 'input.invalid', naming: /exactly one/ },
  { call: ['POST', images, { ...file, file: 'AAAA' }], fails: 'input.malformed' },
  { call: ['PUT', imageSettings, { image_signature: 'off' }], gives: { image_signature: 'off' } },
  {
    call: ['PUT', imageSettings, { image_signature: 'sometimes' }],
    fails: 'input.invalid',
    naming: /image_signature/,
  },
  { call: ['PUT', imageSettings, {}], gives: { image_signature: 'required' } },
  { call: ['DELETE', `${signers}/none`], fails: 'object.unknown' },
  { call: ['DELETE', `${signers}/release`], gives: undefined },
];

test('signers are listed, and from the first one on images must be signed', async () => {
  await play(client, signing);
  await play(client, signing.slice(5, 6));
  const { body } = await client.call('POST', images, { ...file, signature });
  assert.equal((body as { signer: string }).signer, 'release');
  const { signer, file: digest } = configuration.image('three');
  assert.deepEqual([signer, digest], ['release', createHash('sha256').update(octets).digest('hex')]);
  await assert.rejects(client.call('POST', `${images}/one/activate`), problem('image.untrusted', /no signature/));
  await client.call('DELETE', `${signers}/release`);
  await client.call('PUT', imageSettings, { image_signature: 'required' });
  await assert.rejects(
    client.call('POST', `${images}/three/activate`),
    problem('image.untrusted', /not listed any more/),
  );
});

test('a preview says how a file departs from the nearest active image, and writes nothing', async () => {
  const kernel = { ...imageOf('kernel-2', variant({ firmware: '2.0', kernel: 'vmlinuz-2' })) };
  const before = part.store.raw();
  const { body } = await client.call('POST', `${images}/preview`, { image: kernel, userspace_unmeasured: true });
  const { difference, objections, standing } = body as {
    difference: ImageComparison;
    objections: string[];
    standing: string;
  };
  assert.deepEqual([difference.from, objections, standing], ['two', [], 'staged']);
  assert.deepEqual(new Set(difference.changed.map(({ part }) => part)), new Set(['boot loader', 'kernel']));
  assert.ok(difference.unchanged.includes('Secure Boot'));
  assert.ok(difference.events.some((text) => /^PCR 11/.test(text) || /PCR 11/.test(text)));
  await client.call('PUT', least, { kernel: '6' });
  const again = (await client.call('POST', `${images}/preview`, { image: kernel, userspace_unmeasured: true }))
    .body as {
    objections: string[];
  };
  assert.match(again.objections.join(), /kernel of unknown release/);
  await assert.rejects(
    client.call('POST', `${images}/preview`, { image: { ...kernel, pcrs: {} }, userspace_unmeasured: true }),
    problem('input.invalid'),
  );
  assert.deepEqual(
    part.store.raw().documents.filter(({ collection }) => collection === 'base-images'),
    before.documents.filter(({ collection }) => collection === 'base-images'),
  );
});

test('every operation is called well and badly', () => {
  const own = operations().filter(({ name }) => !name.startsWith('attestation.os.base-images'));
  assertCovered(own, [...composing, ...asking, ...signing]);
});
