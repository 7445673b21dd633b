import { tagName } from '../tags.ts';
import { check, padded, uint24, uint32 } from '../ttlv/check.ts';
import { isSecretItem } from '../ttlv/describe.ts';
import { byCode } from '../ttlv/item-type.ts';
import type { XmlElement } from './element.ts';
import { elementNames } from './names.ts';
import { type ScalarType, valueForms } from './values.ts';

/** Whether values that are secret are shown; when not, `***` stands in their place, which no reader accepts. */
export interface XmlOptions {
  readonly secrets: 'shown' | 'hidden';
}

/**
 * The items of one message or item as XML.
 * @throws {TtlvError} when the octets are not exactly one item
 */
export function toXml(octets: Uint8Array, options: XmlOptions): XmlElement {
  check(octets);
  return elementAt(Buffer.from(octets.buffer, octets.byteOffset, octets.length), 0, undefined, options);
}

function elementAt(octets: Buffer, at: number, attribute: string | undefined, options: XmlOptions): XmlElement {
  const tag = uint24(octets, at);
  const type = byCode[octets[at + 3]!]!.name;
  const length = uint32(octets, at + 4);
  const known = elementNames.toName.get(tag);
  const name = known ?? 'TTLV';
  const tagged = known === undefined ? { tag: tagName(tag) } : {};
  if (options.secrets === 'hidden' && isSecretItem(octets, at))
    return { name, attributes: { ...tagged, type: typeText(type), value: '***' }, children: [] };
  if (type === 'Structure') {
    const stated = known === undefined ? { ...tagged, type } : {};
    return { name, attributes: stated, children: children(octets, at + 8, length, options) };
  }
  const of = tagName(tag) === 'Attribute Value' ? (attribute ?? '') : tagName(tag);
  const value = valueForms[type].write(octets.subarray(at + 8, at + 8 + length), of);
  return { name, attributes: { ...tagged, type: typeText(type), value }, children: [] };
}

function children(octets: Buffer, from: number, length: number, options: XmlOptions): XmlElement[] {
  const elements: XmlElement[] = [];
  let attribute: string | undefined;
  for (let at = from; at < from + length; at += 8 + padded(uint32(octets, at + 4))) {
    if (tagName(uint24(octets, at)) === 'Attribute Name')
      attribute = octets.toString('utf8', at + 8, at + 8 + uint32(octets, at + 4));
    elements.push(elementAt(octets, at, attribute, options));
  }
  return elements;
}

/** `Date-Time` is spelled `DateTime`. */
const typeText = (type: ScalarType | 'Structure'): string => type.replace(/[ -]/g, '');
