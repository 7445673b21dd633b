import { keyCompressionType, keyFormatType, objectType } from '../enums.ts';
import { SymmetricKey } from '../key-block.ts';
import { lazy } from '../ttlv/lazy.ts';
import { enumeration, openEnumeration } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.11. Hands out a symmetric key. */
export const get = declare({
  name: 'Get',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    format: optional(openEnumeration('Key Format Type', keyFormatType)),
    compression: optional(openEnumeration('Key Compression Type', keyCompressionType)),
    wrapping: optional(lazy('Key Wrapping Specification')),
  }),
  response: structure('Response Payload', {
    objectType: enumeration('Object Type', objectType),
    id: uniqueIdentifier,
    key: SymmetricKey,
  }),
});
