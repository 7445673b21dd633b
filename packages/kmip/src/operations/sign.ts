import { CryptographicParameters } from '../cryptographic-parameters.ts';
import { bytes } from '../ttlv/scalars.ts';
import { optional, since, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';
import { correlation, streaming } from './streaming.ts';

/** KMIP 1.4, 4.31. */
export const sign = declare({
  name: 'Sign',
  since: { major: 1, minor: 2 },
  repeatable: true,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    parameters: optional(CryptographicParameters),
    data: optional(bytes('Data')),
    digest: since('1.4', optional(bytes('Digested Data', 1024))),
    ...streaming,
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    signature: optional(bytes('Signature Data', 65_536)),
    correlation,
  }),
});
