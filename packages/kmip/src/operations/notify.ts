import { Attribute } from '../attribute.ts';
import { Attributes } from '../attributes.ts';
import { byMajor, enclosed, repeated, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 5.1. A server tells a client of attributes that changed. */
export const notify = declare({
  name: 'Notify',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: uniqueIdentifier,
    attributes: byMajor(repeated(Attribute, 'attributes'), enclosed(Attributes)),
  }),
  response: structure('Response Payload', {}),
});
