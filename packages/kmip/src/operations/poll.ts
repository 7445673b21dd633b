import { bytes } from '../ttlv/scalars.ts';
import { structure } from '../ttlv/structure.ts';
import { declare } from './operation.ts';

/** KMIP 1.4, 4.28. Asks after an operation that was pending; the answer is the one of that operation. */
export const poll = declare({
  name: 'Poll',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', { correlation: bytes('Asynchronous Correlation Value', 256) }),
  response: structure('Response Payload', {}),
});
