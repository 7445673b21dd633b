import { cancellationResult } from '../enums.ts';
import { bytes, enumeration } from '../ttlv/scalars.ts';
import { structure } from '../ttlv/structure.ts';
import { declare } from './operation.ts';

/** KMIP 1.4, 4.27. Gives up an operation that is still pending. */
export const cancel = declare({
  name: 'Cancel',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', { correlation: bytes('Asynchronous Correlation Value', 256) }),
  response: structure('Response Payload', {
    correlation: bytes('Asynchronous Correlation Value', 256),
    result: enumeration('Cancellation Result', cancellationResult),
  }),
});
