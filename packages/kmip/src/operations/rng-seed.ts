import { integer, secret } from '../ttlv/scalars.ts';
import { structure } from '../ttlv/structure.ts';
import { declare } from './operation.ts';

/** KMIP 1.4, 4.36. Gives octets to the random number generator; the answer says how many it took. */
export const rngSeed = declare({
  name: 'RNG Seed',
  since: { major: 1, minor: 2 },
  repeatable: false,
  request: structure('Request Payload', { data: secret('Data') }),
  response: structure('Response Payload', { length: integer('Data Length') }),
});
