import { longInteger } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.18. Takes from what the Usage Limits of a key leave. */
export const getUsageAllocation = declare({
  name: 'Get Usage Allocation',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', { id: optional(uniqueIdentifier), count: longInteger('Usage Limits Count') }),
  response: structure('Response Payload', { id: uniqueIdentifier }),
});
