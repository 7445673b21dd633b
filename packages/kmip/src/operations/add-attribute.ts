import { Attribute } from '../attribute.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.14. The answer repeats the attribute as the object has it now. */
export const addAttribute = declare({
  name: 'Add Attribute',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', { id: optional(uniqueIdentifier), attribute: Attribute }),
  response: structure('Response Payload', { id: uniqueIdentifier, attribute: Attribute }),
});
