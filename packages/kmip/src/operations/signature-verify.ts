import { CryptographicParameters } from '../cryptographic-parameters.ts';
import { validityIndicator } from '../enums.ts';
import { bytes, enumeration } from '../ttlv/scalars.ts';
import { optional, since, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';
import { correlation, streaming } from './streaming.ts';

/** KMIP 1.4, 4.32. */
export const signatureVerify = declare({
  name: 'Signature Verify',
  since: { major: 1, minor: 2 },
  repeatable: true,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    parameters: optional(CryptographicParameters),
    data: optional(bytes('Data')),
    digest: since('1.4', optional(bytes('Digested Data', 1024))),
    signature: optional(bytes('Signature Data', 65_536)),
    ...streaming,
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    validity: enumeration('Validity Indicator', validityIndicator),
    data: optional(bytes('Data')),
    correlation,
  }),
});
