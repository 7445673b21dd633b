import assert from 'node:assert/strict';
import test from 'node:test';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { DecodeError } from '@vouchsafe/bytes/reader';
import type { Attribute } from '../attribute.ts';
import { TtlvError } from '../error.ts';
import { limits } from '../limits.ts';
import { RequestMessage } from '../message.ts';
import { kmipSamples } from '../testing/all-samples.ts';
import { remake } from '../testing/remake.ts';
import { asking, requestMessage } from '../testing/samples.ts';
import { describe, describeText } from '../ttlv/describe.ts';
import { decodeItem } from '../ttlv/item.ts';
import { versionNames } from '../ttlv/vocabulary.ts';
import { toXml } from '../xml/encode.ts';
import { create } from './create.ts';
import { get } from './get.ts';
import { locate } from './locate.ts';
import { operations } from './operations.ts';

const samples = kmipSamples();

const survive = (octets: Uint8Array) => {
  for (const attempt of [
    () => remake(octets.slice()),
    () => describeText(describe(octets)),
    () => toXml(octets, { secrets: 'shown' }),
  ])
    try {
      attempt();
    } catch (error) {
      // What was read may have a value that its version has no words for, which is not written then.
      assert.ok(error instanceof DecodeError || (error as Error).name === 'EncodeError', String(error));
    }
};

test('every operation has a sample of its request in each version that has it', () => {
  const seen = new Set(samples.filter(({ side }) => side === 'request').map(({ operation }) => operation));
  assert.deepEqual([...seen].sort(), Object.keys(operations).sort());
  for (const version of versionNames)
    assert.ok(
      samples.some((each) => each.version === version),
      version,
    );
});

for (const { operation, side, version, octets } of samples)
  test(`${operation}: the ${side} of ${version} is read and written the same; no part of it passes for the whole`, () => {
    assert.deepEqual(remake(octets.slice()), octets);
    everyTruncation(octets, (cut) => assert.throws(() => remake(Uint8Array.from(cut)), TtlvError));
  });

test('flipped bits in any message lead to a value or to a declared error', () => {
  for (const { octets } of samples.filter(({ version }) => version === '1.4')) everyBitFlip(octets, survive);
});

test('mutations of any message lead to a value or to a declared error', () => {
  mutations(
    samples.map(({ octets }) => octets),
    7,
    6000,
    survive,
  );
});

const many = (count: number): Attribute[] =>
  Array.from({ length: count }, (_, i) => ({ name: `x-${i}`, value: { type: 'Text String', value: 'v' } }));

test('limits are those of whoever reads', () => {
  const template = { names: [], attributes: many(20) };
  const octets = requestMessage(
    [1, 2, 3].map((id) => asking(create, { objectType: 'Symmetric Key', template }, Uint8Array.of(id))),
  );
  const read = (most: Partial<typeof limits>) =>
    decodeItem(RequestMessage, octets.slice(), { limits: { ...limits, ...most } }).items[0]!.payload.as(create.request);
  assert.equal(read({}).template.attributes.length, 20);
  const refused: Record<string, [Partial<typeof limits>, RegExp]> = {
    batch: [{ batch: 2 }, /more than 2 of them/],
    attributes: [{ attributes: 19 }, /more than 19 of them/],
    items: [{ items: 50 }, /more than 50 items/],
    depth: [{ depth: 4 }, /more than 4 structures/],
    text: [{ text: 2 }, /limit 2/],
    attributeValue: [{ attributeValue: 0 }, /1 bytes, limit 0/],
    batchItemId: [{ batchItemId: 0 }, /1 bytes, limit 0/],
  };
  for (const [what, [most, reason]] of Object.entries(refused))
    assert.throws(() => read(most), { message: reason }, what);
});

test('from 2.0 on lists of attributes are limited in the same way', () => {
  const octets = requestMessage([asking(locate, { attributes: many(20) })], {}, { major: 2, minor: 1 });
  const read = (attributes: number) =>
    decodeItem(RequestMessage, octets.slice(), { limits: { ...limits, attributes } }).items[0]!.payload.as(
      locate.request,
    );
  assert.equal(read(20).attributes.length, 20);
  assert.throws(() => read(19), /more than 19 of them/);
});

test('a field of a later version is unknown to an earlier one, and passed over by a lenient reader', () => {
  const octets = requestMessage([asking(get, { id: 'a', wrapType: 'As Registered' })], {}, { major: 1, minor: 4 });
  const minor = octets.indexOf(Uint8Array.of(0x42, 0, 0x6b, 2)) + 11;
  octets[minor] = 3;
  const read = (lenient: boolean) =>
    decodeItem(RequestMessage, octets.slice(), { lenient }).items[0]!.payload.as(get.request);
  assert.throws(() => read(false), { fault: 'unknown-field' });
  assert.equal(read(true).wrapType, undefined);
});
