import { validityIndicator } from '../enums.ts';
import { Certificate } from '../managed-object.ts';
import { dateTime, enumeration } from '../ttlv/scalars.ts';
import { optional, repeated, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.24. Whether a chain of certificates is valid. */
export const validate = declare({
  name: 'Validate',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', {
    certificates: repeated(Certificate, 64),
    ids: repeated(uniqueIdentifier, 64),
    at: optional(dateTime('Validity Date')),
  }),
  response: structure('Response Payload', { validity: enumeration('Validity Indicator', validityIndicator) }),
});
