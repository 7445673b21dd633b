import { integer, interval, longInteger } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

const use = {
  usageCount: optional(longInteger('Usage Limits Count')),
  usage: optional(integer('Cryptographic Usage Mask')),
  leaseTime: optional(interval('Lease Time')),
} as const;

/** KMIP 1.4, 4.10. Whether a key may be used so; the answer names what it may not. */
export const check = declare({
  name: 'Check',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', { id: optional(uniqueIdentifier), ...use }),
  response: structure('Response Payload', { id: uniqueIdentifier, ...use }),
});
