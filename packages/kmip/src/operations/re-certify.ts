import { certificateRequestType } from '../enums.ts';
import { changedObject, TemplateAttribute } from '../template-attribute.ts';
import { bytes, interval, openEnumeration } from '../ttlv/scalars.ts';
import { byMajor, optional, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.8. Has a certificate renewed; the id of the new one becomes the ID Placeholder. */
export const reCertify = declare({
  name: 'Re-certify',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    requestType: optional(openEnumeration('Certificate Request Type', certificateRequestType)),
    request: byMajor(
      optional(bytes('Certificate Request')),
      optional(bytes('Certificate Request Value')),
    ) /** Seconds between the Initial Date and the Activation Date of the new certificate. */,
    offset: optional(interval('Offset')),
    template: changedObject,
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    template: until('1.4', optional(TemplateAttribute)),
  }),
});
