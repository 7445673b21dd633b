import { CryptographicParameters } from '../cryptographic-parameters.ts';
import { validityIndicator } from '../enums.ts';
import { bytes, enumeration } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';
import { correlation, streaming } from './streaming.ts';

/** KMIP 1.4, 4.34. */
export const macVerify = declare({
  name: 'MAC Verify',
  since: { major: 1, minor: 2 },
  repeatable: true,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    parameters: optional(CryptographicParameters),
    data: optional(bytes('Data')),
    mac: optional(bytes('MAC Data', 1024)),
    ...streaming,
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    validity: enumeration('Validity Indicator', validityIndicator),
    correlation,
  }),
});
