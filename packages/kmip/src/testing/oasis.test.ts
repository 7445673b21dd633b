import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { fromXml } from '../xml/decode.ts';
import { printElement, type XmlElement } from '../xml/element.ts';
import { toXml } from '../xml/encode.ts';
import { type OasisCase, oasisCases, withValues } from './oasis.ts';
import { remake } from './remake.ts';

const corpus = process.env.VOUCHSAFE_CORPUS;
const skip = corpus === undefined && 'VOUCHSAFE_CORPUS is not set';

const now = new Date('2026-01-01T00:00:00Z');

/** Octets for variables that are octets; text stays as it is. */
const get = (name: string, type: string): string | undefined => (type === 'ByteString' ? hexOf(name) : undefined);
const hexOf = (name: string): string => Buffer.from(name).toString('hex');

/** Its messages from the server say 1.0 and have fields that came with 1.1. */
const misdated = 'TC_NP_2_12_Notify_Put';

function dated(element: XmlElement): XmlElement {
  const { name, attributes, children } = element;
  if (name === 'ProtocolVersionMinor') return { ...element, attributes: { ...attributes, value: '2' } };
  return { ...element, children: children.map(dated) };
}

function roundTrip(element: XmlElement): void {
  const said = withValues(element, { now, get });
  const octets = fromXml(said);
  const before = printElement(toXml(octets, { secrets: 'shown' }));
  assert.equal(printElement(toXml(remake(octets), { secrets: 'shown' })), before);
  assert.equal(fromXml(toXml(fromXml(said), { secrets: 'shown' })).equals(fromXml(said)), true);
}

test('every request and answer of the OASIS cases survives XML, TTLV and the model, and all the way back', {
  skip,
}, async (t) => {
  const cases = oasisCases(join(corpus!, 'kmip'));
  const counts: Record<string, number> = {};
  for (const each of cases) counts[each.version] = (counts[each.version] ?? 0) + 1;
  for (const each of cases)
    await t.test(`${each.version} ${each.name}`, () => {
      for (const { request, response } of each.exchanges) {
        for (const message of [request, response]) roundTrip(each.name === misdated ? dated(message) : message);
      }
    });
  const messages = (of: OasisCase) => 2 * of.exchanges.length;
  assert.deepEqual(counts, { '1.0': 64, '1.2': 66, '1.4': 137 });
  assert.equal(
    cases.reduce((sum, each) => sum + messages(each), 0),
    3582,
  );
});
