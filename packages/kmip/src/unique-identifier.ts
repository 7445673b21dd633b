import type { TagName } from './tags.ts';
import { tags } from './tags.ts';
import { wrongType } from './ttlv/check.ts';
import type { Item } from './ttlv/item.ts';
import { itemTypes } from './ttlv/item-type.ts';
import { textBody } from './ttlv/scalars.ts';
import { rankOf } from './ttlv/vocabulary.ts';

const body = textBody(1024);
const { Enumeration, Integer } = itemTypes;
const placeholder = 1;

/**
 * The id of an object. From 2.0 on a request may name the ID Placeholder instead of an id (KMIP 2.1, 4.1.55): it is read
 * as no id at all, which means the same. Other references to what the batch did are refused.
 */
export const idAs = (name: TagName): Item<string> => ({
  name,
  tag: tags[name],
  type: 0,
  read(reader, at, length) {
    const type = reader.bytes[at - 5]!;
    if (type === body.type) return body.read(reader, at, length, tags[name]);
    if (reader.rank >= rankOf('2.0') && (type === Enumeration.code || type === Integer.code)) {
      // What may be left out has no other value for it: the field is optional wherever a placeholder may stand.
      if (type === Enumeration.code && reader.bytes.readUInt32BE(at) === placeholder) return undefined as never;
      reader.fail('unknown-value', tags[name], at, 'expected text or ID Placeholder');
    }
    return reader.fail('malformed', tags[name], at - 8, wrongType(body.type, type));
  },
  write: (writer, value) => body.write(writer, tags[name], value),
});

/** KMIP 1.4, 3.1. */
export const uniqueIdentifier = idAs('Unique Identifier');
