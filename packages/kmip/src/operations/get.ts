import { keyCompressionType, keyFormatType, keyWrapType, objectType } from '../enums.ts';
import { KeyWrappingSpecification } from '../key-wrapping.ts';
import { ManagedObject } from '../managed-object.ts';
import { enumeration, openEnumeration } from '../ttlv/scalars.ts';
import { optional, since, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.11. Hands an object out, wrapped when that is asked for. */
export const get = declare({
  name: 'Get',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    format: optional(openEnumeration('Key Format Type', keyFormatType)),
    wrapType: since('1.4', optional(enumeration('Key Wrap Type', keyWrapType))),
    compression: optional(openEnumeration('Key Compression Type', keyCompressionType)),
    wrapping: optional(KeyWrappingSpecification),
  }),
  response: structure('Response Payload', {
    objectType: enumeration('Object Type', objectType),
    id: uniqueIdentifier,
    object: ManagedObject,
  }),
});
