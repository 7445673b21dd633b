import { Attribute } from '../attribute.ts';
import { optionalAttributeName } from '../attribute-name.ts';
import { attributeAs } from '../attributes.ts';
import { integer } from '../ttlv/scalars.ts';
import { optional, since, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.16. Which attribute is meant is said by name and index in 1.x, by the attribute or its name from 2.0 on. */
export const deleteAttribute = declare({
  name: 'Delete Attribute',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    current: since('2.0', optional(attributeAs('Current Attribute'))),
    name: optionalAttributeName,
    index: until('1.4', optional(integer('Attribute Index'))),
  }),
  response: structure('Response Payload', { id: uniqueIdentifier, attribute: until('1.4', Attribute) }),
});
