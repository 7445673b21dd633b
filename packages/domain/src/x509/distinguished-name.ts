import { Der, type Element, type OnOddity, tags } from './der.ts';
import { oidOf, textOf } from './der-values.ts';

/** One attribute of a name: its type and its value as text. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

/** A relative distinguished name: usually one attribute. */
export type Rdn = readonly NameAttribute[];

const maxAttributes = 64;

const shortNames: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
  '2.23.133.2.1': 'tpmManufacturer',
  '2.23.133.2.2': 'tpmModel',
  '2.23.133.2.3': 'tpmVersion',
};

/** Reads a Name (RFC 5280, 4.1.2.4). @throws {DecodeError} */
export function readName(name: Element): Rdn[] {
  const rdns: Rdn[] = [];
  let left = maxAttributes;
  for (const set of name.inside().rest('rdn', maxAttributes)) {
    if (set.tag !== tags.set) set.fail('expected a set of attributes');
    const attributes = [...set.inside().rest('attribute', left)];
    if (attributes.length === 0) set.fail('a set without attributes');
    noteOrder(attributes);
    left -= attributes.length;
    rdns.push(attributes.map(readAttribute));
  }
  return rdns;
}

/** X.690, 11.6: the values of a SET OF stand in the order of their encodings. */
function noteOrder(elements: readonly Element[]): void {
  elements.forEach((element, i) => {
    const before = elements[i - 1];
    if (before !== undefined && Buffer.compare(before.raw, element.raw) > 0) element.odd('set-order');
  });
}

function readAttribute(element: Element): NameAttribute {
  if (element.tag !== tags.sequence) element.fail('expected an attribute');
  const fields = element.inside();
  const type = oidOf(fields.take(tags.oid, 'type'));
  const value = textOf(fields.any('value'));
  fields.finish();
  return { type, value };
}

/** A name for people, in the order of the certificate; nothing in it controls a terminal. */
export const nameText = (rdns: readonly Rdn[]): string =>
  rdns
    .map((rdn) => rdn.map(({ type, value }) => `${shortNames[type] ?? type}=${printable(value)}`).join(' + '))
    .join(', ');

/** Text without characters that control a terminal or turn the direction of writing. */
export const printable = (text: string): string => text.slice(0, 256).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');

/** The first value of an attribute type. */
export const attributeOf = (rdns: readonly Rdn[], type: string): string | undefined =>
  rdns.flat().find((attribute) => attribute.type === type)?.value;

/** The name in DER of its own, such as that of a directoryName. @throws {DecodeError} */
export const readNameBytes = (bytes: Uint8Array, path: string, odd?: OnOddity): Rdn[] =>
  readName(Der.over(bytes, path, odd).take(tags.sequence, 'name'));

/**
 * A name as a key: the same for names that RFC 5280, 7.1, calls the same, whatever kind of string they are written in and
 * however large their letters are. Makers need it: STMicroelectronics' root is a PrintableString, and its own
 * intermediates name it in UTF8String. Two names that fall together here are still told apart by their keys.
 */
export const nameId = (rdns: readonly Rdn[]): string => JSON.stringify(rdns.map(folded));

/**
 * Whether a name lies below another (RFC 5280, 4.2.1.10): compared as above, so that another encoding of the same name
 * neither leaves nor enters a subtree.
 */
export const isWithin = (name: readonly Rdn[], base: readonly Rdn[]): boolean =>
  base.length <= name.length && nameId(name.slice(0, base.length)) === nameId(base);

const folded = (rdn: Rdn): string[] =>
  rdn
    .map(({ type, value }) => `${type}=${value.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase()}`)
    .toSorted();
