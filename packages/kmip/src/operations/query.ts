import { objectType, operation, queryFunction } from '../enums.ts';
import { lazy } from '../ttlv/lazy.ts';
import { openEnumeration, text } from '../ttlv/scalars.ts';
import { optional, repeated, structure } from '../ttlv/structure.ts';

const many = 256;

import { declare } from './operation.ts';

/** KMIP 1.4, 4.25. What the server can do and who made it. */
export const query = declare({
  name: 'Query',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', { functions: repeated(openEnumeration('Query Function', queryFunction), 32) }),
  response: structure('Response Payload', {
    operations: repeated(openEnumeration('Operation', operation), many),
    objectTypes: repeated(openEnumeration('Object Type', objectType), many),
    vendor: optional(text('Vendor Identification', 1024)),
    serverInformation: optional(lazy('Server Information')),
    applicationNamespaces: repeated(text('Application Namespace', 1024), many),
    extensions: repeated(lazy('Extension Information'), many),
  }),
});
