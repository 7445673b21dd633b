import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.21. The key material is gone for good. */
export const destroy = declare({
  name: 'Destroy',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', { id: optional(uniqueIdentifier) }),
  response: structure('Response Payload', { id: uniqueIdentifier }),
});
