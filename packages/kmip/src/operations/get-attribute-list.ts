import { attributeNames } from '../attribute-name.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.13. The names of the attributes that an object has. */
export const getAttributeList = declare({
  name: 'Get Attribute List',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', { id: optional(uniqueIdentifier) }),
  response: structure('Response Payload', { id: uniqueIdentifier, names: attributeNames }),
});
