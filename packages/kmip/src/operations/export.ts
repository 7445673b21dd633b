import { Attribute } from '../attribute.ts';
import { Attributes } from '../attributes.ts';
import { keyCompressionType, keyFormatType, keyWrapType, objectType } from '../enums.ts';
import { KeyWrappingSpecification } from '../key-wrapping.ts';
import { ManagedObject } from '../managed-object.ts';
import { enumeration, openEnumeration } from '../ttlv/scalars.ts';
import { byMajor, enclosed, optional, repeated, since, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.42. Hands an object out together with its attributes. */
export const exportObject = declare({
  name: 'Export',
  since: { major: 1, minor: 4 },
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
    attributes: byMajor(repeated(Attribute, 'attributes'), enclosed(Attributes)),
    object: ManagedObject,
  }),
});
