import { RevocationReason } from '../attribute-values.ts';
import { dateTime } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.20. Deactivates a key, or marks it as compromised. */
export const revoke = declare({
  name: 'Revoke',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    reason: RevocationReason,
    compromisedAt: optional(dateTime('Compromise Occurrence Date')),
  }),
  response: structure('Response Payload', { id: uniqueIdentifier }),
});
