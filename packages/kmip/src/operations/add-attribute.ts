import { Attribute } from '../attribute.ts';
import { attributeAs } from '../attributes.ts';
import { byMajor, optional, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.14. In versions 1.x the answer repeats the attribute as the object has it now. */
export const addAttribute = declare({
  name: 'Add Attribute',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    attribute: byMajor(Attribute, attributeAs('New Attribute')),
  }),
  response: structure('Response Payload', { id: uniqueIdentifier, attribute: until('1.4', Attribute) }),
});
