import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.23. Moves an object back from archival storage; its id becomes the ID Placeholder. */
export const recover = declare({
  name: 'Recover',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', { id: optional(uniqueIdentifier) }),
  response: structure('Response Payload', { id: uniqueIdentifier }),
});
