import { TtlvError } from '../error.ts';
import { limits } from '../limits.ts';
import { tagName } from '../tags.ts';
import { check } from '../ttlv/check.ts';
import { type ItemTypeName, itemTypes } from '../ttlv/item-type.ts';
import { TtlvWriter } from '../ttlv/writer.ts';
import type { XmlElement } from './element.ts';
import { elementNames } from './names.ts';
import { type ScalarType, valueForms } from './values.ts';

const types = new Map(
  (Object.keys(itemTypes) as ItemTypeName[]).map((type) => [type.replace(/[ -]/g, ''), type] as const),
);

/**
 * The octets that an element stands for. Limits are those of the octets.
 * @throws {TtlvError} naming the element
 */
export function fromXml(element: XmlElement): Buffer<ArrayBuffer> {
  const writer = new TtlvWriter();
  writeElement(writer, element, [], undefined);
  const octets = writer.finish();
  check(octets);
  return octets;
}

function writeElement(writer: TtlvWriter, element: XmlElement, path: readonly string[], attribute?: string): void {
  const here = [...path, element.name];
  if (here.length > limits.depth) throw fault(here, `more than ${limits.depth} structures inside one another`);
  const tag = tagOf(element, here);
  const type = types.get(element.attributes.type ?? 'Structure');
  if (type === undefined) throw fault(here, `no such type: ${element.attributes.type}`);
  if (type === 'Structure') writeStructure(writer, tag, element, here);
  else if (element.children.length > 0) throw fault(here, `${type} with elements inside`);
  else {
    const of = tagName(tag) === 'Attribute Value' ? (attribute ?? '') : tagName(tag);
    writeScalar(writer, tag, type, element.attributes.value, of, here);
  }
}

function writeStructure(writer: TtlvWriter, tag: number, element: XmlElement, here: readonly string[]): void {
  if (element.attributes.value !== undefined) throw fault(here, 'a structure with a value');
  const body = writer.open(tag);
  let attribute: string | undefined;
  for (const each of element.children) {
    if (each.name === 'AttributeName') attribute = each.attributes.value;
    writeElement(writer, each, here, attribute);
  }
  writer.close(body);
}

function writeScalar(
  writer: TtlvWriter,
  tag: number,
  type: ScalarType,
  text: string | undefined,
  of: string,
  here: readonly string[],
): void {
  if (text === undefined) throw fault(here, `${type} without value`);
  const octets = valueForms[type].read(text, of);
  if (octets === undefined) throw fault(here, `${said(type, text)} is no ${type}`);
  const at = writer.item(tag, itemTypes[type].code, octets.length);
  writer.bytes.set(octets, at);
}

function tagOf({ name, attributes }: XmlElement, here: readonly string[]): number {
  const known = elementNames.toNumber.get(name);
  if (known !== undefined) return known;
  const stated = attributes.tag ?? '';
  if (name === 'TTLV' && /^0x(?:42|54)[\da-fA-F]{4}$/.test(stated)) return Number(stated);
  throw fault(here, name === 'TTLV' ? `expected a tag of 0x42xxxx or 0x54xxxx, found ${stated}` : 'no such element');
}

/** What may be a key, or any part of one, is not repeated in an error. */
const said = (type: ScalarType, text: string): string =>
  type.endsWith('String') || type === 'Big Integer'
    ? `a value of ${text.length} characters`
    : JSON.stringify(text.slice(0, 64));

const fault = (path: readonly string[], reason: string) => new TtlvError('malformed', path.join('.'), 0, reason);
