import { createHash } from 'node:crypto';
import { concat } from '@vouchsafe/bytes/hex';
import { Attribute } from '@vouchsafe/kmip/attribute';
import { attributeFacts } from '@vouchsafe/kmip/attribute-table';
import { decodeItem, encodeItem } from '@vouchsafe/kmip/ttlv/item';
import { newestRank } from '@vouchsafe/kmip/ttlv/vocabulary';
import { isIndexed } from './store.ts';

/**
 * Attributes as they stand in the store, one after the other, in the words of the newest version. A name that is not in
 * the standard is kept as that of a custom attribute, since these may hold any value.
 */
export const encodeDocument = (attributes: readonly Attribute[]): Uint8Array =>
  concat(
    ...attributes.map((each) => encodeItem(Attribute, { ...each, name: stored(each.name) } as Attribute, newestRank)),
  );

const stored = (name: string) => (attributeFacts(name) === undefined ? `x-${name}` : name);

export function decodeDocument(octets: Uint8Array): readonly Attribute[] {
  const attributes: Attribute[] = [];
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  for (let at = 0, end = 0; at < octets.length; at = end) {
    end = at + 8 + view.getUint32(at + 4);
    const attribute = decodeItem(Attribute, octets.subarray(at, end), { rank: newestRank });
    attributes.push({ ...attribute, name: attribute.name.replace(/^x-/, '') } as Attribute);
  }
  return attributes;
}

/** Octets of a lookup key: as many as keep two attributes apart for good. */
const keyOctets = 16;

/** What an attribute is found by. */
export const lookupKey = (scope: string, attribute: Attribute): Uint8Array =>
  createHash('sha256')
    .update(`${scope}\0${attribute.name}\0`)
    .update(encodeItem(Attribute, { ...attribute, index: undefined }, newestRank))
    .digest()
    .subarray(0, keyOctets);

/** The lookup keys of all indexed attributes, each once. */
export function lookupKeys(scope: string, attributes: readonly Attribute[]): Uint8Array[] {
  const keys = attributes.filter(({ name }) => isIndexed(name)).map((each) => lookupKey(scope, each));
  return [...new Map(keys.map((key) => [Buffer.from(key).toString('latin1'), key])).values()];
}
