import { CryptographicParameters } from '../cryptographic-parameters.ts';
import { bytes } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare } from './operation.ts';
import { correlation, streaming } from './streaming.ts';

/** KMIP 1.4, 4.37. */
export const hash = declare({
  name: 'Hash',
  since: { major: 1, minor: 2 },
  repeatable: true,
  request: structure('Request Payload', {
    parameters: CryptographicParameters,
    data: optional(bytes('Data')),
    ...streaming,
  }),
  response: structure('Response Payload', { data: optional(bytes('Data', 1024)), correlation }),
});
