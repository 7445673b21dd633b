import { certificateRequestType } from '../enums.ts';
import { changedObject, TemplateAttribute } from '../template-attribute.ts';
import { bytes, openEnumeration } from '../ttlv/scalars.ts';
import { byMajor, optional, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.7. Has a certificate made for a public key; its id becomes the ID Placeholder. */
export const certify = declare({
  name: 'Certify',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    requestType: optional(openEnumeration('Certificate Request Type', certificateRequestType)),
    request: byMajor(optional(bytes('Certificate Request')), optional(bytes('Certificate Request Value'))),
    template: changedObject,
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    template: until('1.4', optional(TemplateAttribute)),
  }),
});
