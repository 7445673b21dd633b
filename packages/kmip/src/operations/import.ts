import { Attribute } from '../attribute.ts';
import { Attributes } from '../attributes.ts';
import { keyWrapType, objectType } from '../enums.ts';
import { ManagedObject } from '../managed-object.ts';
import { boolean, enumeration } from '../ttlv/scalars.ts';
import { byMajor, enclosed, optional, repeated, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.41. Takes an object over together with its id and its attributes. */
export const importObject = declare({
  name: 'Import',
  since: { major: 1, minor: 4 },
  repeatable: false,
  request: structure('Request Payload', {
    id: uniqueIdentifier,
    objectType: enumeration('Object Type', objectType),
    replace: optional(boolean('Replace Existing')),
    wrapType: optional(enumeration('Key Wrap Type', keyWrapType)),
    attributes: byMajor(repeated(Attribute, 'attributes'), enclosed(Attributes, 'written')),
    object: ManagedObject,
  }),
  response: structure('Response Payload', { id: uniqueIdentifier }),
});
