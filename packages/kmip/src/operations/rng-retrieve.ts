import { integer, secret } from '../ttlv/scalars.ts';
import { structure } from '../ttlv/structure.ts';
import { declare } from './operation.ts';

/** KMIP 1.4, 4.35. Random octets. */
export const rngRetrieve = declare({
  name: 'RNG Retrieve',
  since: { major: 1, minor: 2 },
  repeatable: true,
  request: structure('Request Payload', {
    /** Octets. */
    length: integer('Data Length'),
  }),
  response: structure('Response Payload', { data: secret('Data') }),
});
