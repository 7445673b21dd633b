import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.22. Moves an object to archival storage. */
export const archive = declare({
  name: 'Archive',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', { id: optional(uniqueIdentifier) }),
  response: structure('Response Payload', { id: uniqueIdentifier }),
});
