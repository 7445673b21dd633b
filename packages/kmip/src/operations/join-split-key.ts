import { objectType, secretDataType } from '../enums.ts';
import { changedObject, TemplateAttribute } from '../template-attribute.ts';
import { enumeration, openEnumeration } from '../ttlv/scalars.ts';
import { optional, repeated, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.39. Makes a key or secret out of its parts; its id becomes the ID Placeholder. */
export const joinSplitKey = declare({
  name: 'Join Split Key',
  since: { major: 1, minor: 2 },
  repeatable: false,
  request: structure('Request Payload', {
    objectType: enumeration('Object Type', objectType),
    ids: repeated(uniqueIdentifier, 256),
    secretType: optional(openEnumeration('Secret Data Type', secretDataType)),
    template: changedObject,
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    template: until('1.4', optional(TemplateAttribute)),
  }),
});
