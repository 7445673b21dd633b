import { Attribute } from '../attribute.ts';
import { attributeNames } from '../attribute-name.ts';
import { Attributes } from '../attributes.ts';
import { byMajor, enclosed, optional, repeated, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.12. Without names, all attributes are given. */
export const getAttributes = declare({
  name: 'Get Attributes',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', { id: optional(uniqueIdentifier), names: attributeNames }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    attributes: byMajor(repeated(Attribute, 'attributes'), enclosed(Attributes)),
  }),
});
