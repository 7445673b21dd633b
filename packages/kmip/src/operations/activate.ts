import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.19. From Pre-Active to Active. */
export const activate = declare({
  name: 'Activate',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', { id: optional(uniqueIdentifier) }),
  response: structure('Response Payload', { id: uniqueIdentifier }),
});
