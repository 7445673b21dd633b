import { attributeAs } from '../attributes.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 2.1, 6.1.50. Gives an object an attribute, whether it had it before or not. */
export const setAttribute = declare({
  name: 'Set Attribute',
  since: { major: 2, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', { id: optional(uniqueIdentifier), attribute: attributeAs('New Attribute') }),
  response: structure('Response Payload', { id: uniqueIdentifier }),
});
