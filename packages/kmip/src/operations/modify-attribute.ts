import { Attribute } from '../attribute.ts';
import { attributeAs } from '../attributes.ts';
import { byMajor, optional, since, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.15. Which of several is meant is said by the index in 1.x, by the value it has so far from 2.0 on. */
export const modifyAttribute = declare({
  name: 'Modify Attribute',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    current: since('2.0', optional(attributeAs('Current Attribute'))),
    attribute: byMajor(Attribute, attributeAs('New Attribute')),
  }),
  response: structure('Response Payload', { id: uniqueIdentifier, attribute: until('1.4', Attribute) }),
});
