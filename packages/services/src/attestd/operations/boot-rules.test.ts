import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ruleIds } from '@vouchsafe/domain/attestation/boot-rules/table';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import { testGroup } from '@vouchsafe/domain/testing/group';
import { imageOf } from '@vouchsafe/domain/testing/images';
import type { HttpClient } from '../../http/client.ts';
import { routesOf } from '../../management/operation.ts';
import { assertCovered, type Call, play } from '../../management/testing/calls.ts';
import { type TestPart, testPart } from '../../management/testing/part.ts';
import { AttestationConfiguration } from '../configuration.ts';
import { ImageSightings } from '../image-sightings.ts';
import { baseImages } from './base-images.ts';
import { bootRuleOperations } from './boot-rules.ts';

const time = new Date('2027-01-15T08:00:00.000Z');
const rules = '/attestation/rules';
const images = '/attestation/os/base-images';
const golden = imageOf('golden');

const { group } = await testGroup();
let part: TestPart;
let configuration: AttestationConfiguration;
let client: HttpClient;
const context = () => ({
  configuration,
  group,
  sightings: new ImageSightings(part.store),
  store: part.store,
  audit: part.audit,
  now: () => time,
});

beforeEach(async () => {
  part = testPart();
  configuration = new AttestationConfiguration(part.store);
  client = await part.serve(routesOf([...bootRuleOperations(context()), ...baseImages(context())]));
});
afterEach(() => part.close());

interface Row {
  readonly id: string;
  readonly value: unknown;
  readonly set: boolean;
}

/** Calls one after another; what those give that succeed is looked at elsewhere. */
async function inTurn(calls: readonly Call[]): Promise<void> {
  for (const each of calls) {
    if (each.fails === undefined) await client.call(each.call[0] as 'GET', each.call[1], each.call[2]);
    else await play(client, [each]);
  }
}

const all = async () => (await client.call('GET', rules)).body as Row[];
const setTo = async (id: string) => {
  const row = (await all()).find((each) => each.id === id);
  return [row?.value, row?.set];
};

const refused: Call[] = [
  { call: ['PATCH', rules, { 'no.such': true }], fails: 'input.invalid', naming: /no\.such/ },
  { call: ['PATCH', rules, { 'secure-boot.required': 'on' }], fails: 'input.invalid', naming: /secure-boot\.required/ },
  { call: ['PATCH', rules, { 'secure-boot.match': 'any' }], fails: 'input.invalid' },
  { call: ['PATCH', rules, { 'cmdline.allowed': ['*'] }], fails: 'input.invalid', naming: /matches everything/ },
  { call: ['PATCH', rules, { 'cmdline.required': ['crashkernel=*'] }], fails: 'input.invalid', naming: /is forbidden/ },
  { call: ['PATCH', rules, { 'secure-boot.pk': ['abc'] }], fails: 'input.invalid', naming: /secure-boot\.pk/ },
];

test('every rule is shown; what is set differs until it is set back', async () => {
  assert.deepEqual(
    (await all()).map(({ id }) => id),
    ruleIds,
  );
  const set: Call = { call: ['PATCH', rules, { 'firmware.locality': true, 'cmdline.required': ['ima_policy=tcb'] }] };
  await inTurn([set, ...refused]);
  assert.deepEqual(await setTo('firmware.locality'), [true, true]);
  assert.deepEqual(await setTo('cmdline.required'), [['ima_policy=tcb'], true]);
  assert.deepEqual(new AttestationConfiguration(part.store).rules(), configuration.rules(), 'it is in the store');
  const back: Call = { call: ['PATCH', rules, { 'firmware.locality': null, 'cmdline.required': null }] };
  await inTurn([back]);
  assert.deepEqual(await setTo('firmware.locality'), [false, false]);
  assert.deepEqual(configuration.rules(), {});
  assertCovered(bootRuleOperations(context()), [{ call: ['GET', rules] }, set, back, ...refused]);
});

test('a change of rules is recorded, ends tokens from before, and is not made without its record', async () => {
  const epoch = configuration.epoch();
  await inTurn([{ call: ['PATCH', rules, { 'secure-boot.required': true }] }]);
  assert.deepEqual([part.records.length, configuration.epoch()], [1, epoch + 1]);
  part.full = true;
  await inTurn([{ call: ['PATCH', rules, { 'secure-boot.required': null }], fails: 'internal' }]);
  assert.deepEqual(configuration.rules(), { 'secure-boot.required': true });
});

test('a rule that an active image breaks, and an image that breaks a rule, are refused by name', async () => {
  const importing = { image: golden, userspace_unmeasured: true };
  await inTurn([
    { call: ['POST', images, importing] },
    { call: ['PATCH', rules, { 'secure-boot.dbx': true }] },
    {
      call: ['POST', `${images}/golden/activate`],
      fails: 'image.untrusted',
      naming: /base image golden:? (?:it )?breaks rule\.secure-boot\.dbx: dbx is empty/,
    },
    { call: ['POST', images, { ...importing, image: imageOf('other'), activate: true }], fails: 'image.untrusted' },
    { call: ['PATCH', rules, { 'secure-boot.dbx': null }] },
    { call: ['POST', `${images}/golden/activate`] },
    {
      call: ['PATCH', rules, { 'secure-boot.dbx': true }],
      fails: 'image.untrusted',
      naming: /base image golden:? (?:it )?breaks rule\.secure-boot\.dbx/,
    },
    { call: ['POST', `${images}/golden/retire`] },
    { call: ['PATCH', rules, { 'secure-boot.dbx': true }] },
  ]);
});

test('a policy names the rules with their defaults, so that it can be repeated', () => {
  configuration.addImage(activeRecord(golden));
  const group = { id: 'x' } as never;
  const { documents = [] } = configuration.policy(group);
  const body = documents.find(({ collection }) => collection === 'boot-rules')?.body;
  assert.deepEqual(Object.keys(body as object), ruleIds);
});
