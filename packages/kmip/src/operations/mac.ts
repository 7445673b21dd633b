import { CryptographicParameters } from '../cryptographic-parameters.ts';
import { bytes } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';
import { correlation, streaming } from './streaming.ts';

/** KMIP 1.4, 4.33. */
export const mac = declare({
  name: 'MAC',
  since: { major: 1, minor: 2 },
  repeatable: true,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    parameters: optional(CryptographicParameters),
    data: optional(bytes('Data')),
    ...streaming,
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    mac: optional(bytes('MAC Data', 1024)),
    correlation,
  }),
});
