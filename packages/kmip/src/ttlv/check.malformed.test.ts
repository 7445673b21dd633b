import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex } from '@vouchsafe/bytes/hex';
import { everyBitFlip, everyTruncation, mutations } from '@vouchsafe/bytes/hostile';
import { TtlvError } from '../error.ts';
import { keyOctets } from '../managed-object.ts';
import { RequestMessage, ResponseMessage } from '../message.ts';
import { create } from '../operations/create.ts';
import { get } from '../operations/get.ts';
import { asking, getAnswer, requestMessage } from '../testing/samples.ts';
import { check } from './check.ts';
import { describe } from './describe.ts';
import { Framer } from './framer.ts';
import { decodeItem } from './item.ts';

const createMessage = () =>
  requestMessage([
    asking(create, {
      objectType: 'Symmetric Key',
      template: {
        names: [],
        attributes: [
          { name: 'Cryptographic Algorithm', value: 'AES' },
          { name: 'Name', value: { value: 'a', type: 'Uninterpreted Text String' } },
          { name: 'x-Any', value: { type: 'Long Integer', value: -5n } },
        ],
      },
    }),
  ]);

/** An item in hexadecimal: tag, type, length and a value that is written out with its padding. */
const raw = (tag: string, type: string, length: number, value = '') =>
  `${tag}${type}${length.toString(16).padStart(8, '0')}${value}`;

const inside = (content: string) => raw('420078', '01', content.length / 2, content);

const malformed: Record<string, [string, RegExp]> = {
  'a first byte of the tag that no tag has': [raw('410078', '01', 0), /no tag/],
  'type 0x00': [inside(raw('42000d', '00', 4, '0000000100000000')), /no such item type: 0x00/],
  'type 0x0c': [inside(raw('42000d', '0c', 8, '0000000100000000')), /no such item type: 0x0c/],
  'a structure of 4 bytes': [`${raw('420078', '01', 4)}00000000`, /expected a multiple of 8/],
  'a Big Integer of 7 bytes': [inside(raw('42000d', '04', 7, '0000000000000001')), /expected a multiple of 8/],
  'a Big Integer of 0 bytes': [inside(raw('42000d', '04', 0)), /Big Integer of 0 bytes/],
  'a child longer than its parent': [inside(raw('420094', '07', 64, '6161616161616161')), /need 64 bytes/],
  'a child whose padding is outside': [inside(`${raw('420094', '07', 9)}6161616161616161`), /need 9 bytes/],
  'four bytes after the last child': [
    `${raw('420078', '01', 24)}${raw('42000d', '02', 4, '0000000100000000')}4200000000000000`,
    /no such item type/,
  ],
  'an Integer of 8 bytes': [inside(raw('42000d', '02', 8, '0000000000000001')), /Integer of 8 bytes, expected 4/],
  'an Enumeration of 3 bytes': [inside(raw('42005c', '05', 3, '0000000100000000')), /expected 4/],
  'a Boolean of 1 byte': [inside(raw('420007', '06', 1, '0100000000000000')), /Boolean of 1 bytes, expected 8/],
  'a Date-Time of 4 bytes': [inside(raw('420092', '09', 4, '0000000100000000')), /expected 8/],
  'a Boolean of value 2': [inside(raw('420007', '06', 8, '0000000000000002')), /neither 0 nor 1/],
  'padding that is not zero': [inside(raw('42000d', '02', 4, '0000000100000001')), /padding is not zero/],
  'text that is not UTF-8': [inside(raw('420094', '07', 2, 'c328000000000000')), /not UTF-8/],
  'a surrogate in text': [inside(raw('420094', '07', 3, 'eda0800000000000')), /not UTF-8/],
  'padding counted as text': [inside(raw('420094', '07', 8, '6162630000000000')), /NUL in text/],
  'text of 65537 bytes': [inside(raw('420094', '07', 65_537, '61'.repeat(65_537) + '00'.repeat(7))), /limit 65536/],
  'nothing at all': ['', /need 8 bytes/],
  'two items': [raw('42000d', '02', 4, '0000000100000000').repeat(2), /16 bytes too many/],
};

for (const [what, [octets, expected]] of Object.entries(malformed)) {
  test(`KMIP 1.4, 9.1.1: ${what} is refused`, () => assert.throws(() => check(fromHex(octets)), refusal(expected)));
}

test('structures nested 100000 deep are refused without recursion', () => {
  const deep = Buffer.alloc(800_000);
  for (let at = 0; at < deep.length; at += 8) {
    deep.set([0x42, 0, 0x78, 1], at);
    deep.writeUInt32BE(deep.length - at - 8, at + 4);
  }
  assert.throws(() => check(deep), refusal(/more than 32 structures/));
});

test('a message of 120000 small items is refused', () => {
  const items = raw('420094', '07', 0).repeat(120_000);
  assert.throws(() => check(fromHex(inside(items))), refusal(/more than 65536 items/));
});

test('every truncation of a message is refused', () => {
  for (const message of [createMessage(), getAnswer()])
    everyTruncation(message, (cut) => assert.throws(() => check(cut), TtlvError));
});

test('flipped bits and mutations lead to a value or a TtlvError, never to anything else', () => {
  const survive = (octets: Uint8Array) => {
    for (const attempt of [
      () => describe(octets),
      () => decodeItem(RequestMessage, octets.slice()).items[0]?.payload.as(create.request),
      () => decodeItem(ResponseMessage, octets.slice(), { lenient: true }).items[0]?.payload?.as(get.response),
    ]) {
      try {
        attempt();
      } catch (error) {
        assert.ok(error instanceof TtlvError, String(error));
      }
    }
  };
  for (const message of [createMessage(), getAnswer()]) everyBitFlip(message, survive);
  mutations([createMessage(), getAnswer()], 1, 20_000, survive);
});

test('KMIP 1.4, 9.1.2: a repeated, misplaced, unknown or missing field is refused', () => {
  const message = requestMessage([asking(get, { id: 'a' })]).toString('hex');
  const version = message.slice(32, 32 + 80);
  const twice = message.replace(version, version + version);
  const header = (octets: string, delta: number) =>
    octets.replace(
      /^(420078010000)(....)(420077010000)(....)/,
      (_all, a, outer, b, inner) => a + more(outer, delta) + b + more(inner, delta),
    );
  assert.throws(() => decodeItem(RequestMessage, fromHex(header(twice, 40))), refusal(/repeated, or not in its place/));
  const unknown = message.replace(version, `${version}54000102000000040000000100000000`);
  assert.throws(() => decodeItem(RequestMessage, fromHex(header(unknown, 16))), { fault: 'unknown-field' });
  assert.equal(decodeItem(RequestMessage, fromHex(header(unknown, 16)), { lenient: true }).items.length, 1);
  const missing = message.replace(version, '');
  assert.throws(() => decodeItem(RequestMessage, fromHex(header(missing, -40))), { fault: 'missing-field' });
});

const more = (length: string, delta: number) => (Number.parseInt(length, 16) + delta).toString(16).padStart(4, '0');

test('the key leaves the message when it is read', () => {
  const message = getAnswer(0x5a);
  assert.ok(message.includes(Buffer.alloc(32, 0x5a)));
  using material = keyOctets(decodeItem(ResponseMessage, message).items[0]!.payload!.as(get.response).object)!;
  assert.ok(!message.includes(0x5a));
  assert.ok(material.use((octets) => octets.every((octet) => octet === 0x5a)));
});

test('a header is judged before its body: too long, of another kind, of length 0 or 4', () => {
  const headers: [string, RegExp][] = [
    ['42007801ffffffff', /4294967295 bytes announced/],
    ['4200780104000000', /67108864 bytes announced/],
    ['4200780100000000', /no positive multiple of 8/],
    ['4200780100000004', /no positive multiple of 8/],
    ['4200770100000008', /no KMIP message/],
    ['4200780200000008', /no KMIP message/],
    ['474554202f204854', /no KMIP message/],
  ];
  for (const [header, expected] of headers) {
    const framer = new Framer('Request Message');
    framer.push(fromHex(header));
    assert.throws(() => framer.next(), refusal(expected));
  }
});

test('messages are cut the same however they arrive', () => {
  const messages = [createMessage(), requestMessage([asking(get, { id: 'a' })])];
  const stream = Buffer.concat(messages);
  for (const size of [1, 7, 8, 9, 100, stream.length]) {
    const framer = new Framer('Request Message');
    const found: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) {
      framer.push(Uint8Array.from(stream.subarray(at, at + size)));
      for (let message = framer.next(); message !== undefined; message = framer.next()) found.push(message);
    }
    assert.deepEqual(
      found.map((each) => Buffer.from(each).toString('hex')),
      messages.map((each) => each.toString('hex')),
    );
    assert.equal(framer.held, 0);
  }
});

const refusal = (reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TtlvError, String(error));
  assert.match(error.message, reason);
  return true;
};
