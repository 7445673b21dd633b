import { CryptographicParameters } from '../cryptographic-parameters.ts';
import { bytes, secret } from '../ttlv/scalars.ts';
import { optional, since, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';
import { correlation, streaming } from './streaming.ts';

/** KMIP 1.4, 4.30. */
export const decrypt = declare({
  name: 'Decrypt',
  since: { major: 1, minor: 2 },
  repeatable: true,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    parameters: optional(CryptographicParameters),
    data: optional(bytes('Data')),
    iv: optional(bytes('IV/Counter/Nonce', 1024)),
    ...streaming,
    additional: since('1.4', optional(bytes('Authenticated Encryption Additional Data'))),
    tag: since('1.4', optional(bytes('Authenticated Encryption Tag', 64))),
  }),
  response: structure('Response Payload', { id: uniqueIdentifier, data: optional(secret('Data')), correlation }),
});
