import { dateTime, interval } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.17. For how many seconds the object may be used. */
export const obtainLease = declare({
  name: 'Obtain Lease',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', { id: optional(uniqueIdentifier) }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    leaseTime: interval('Lease Time'),
    lastChange: dateTime('Last Change Date'),
  }),
});
