import { objectType, splitKeyMethod } from '../enums.ts';
import { changedObject, TemplateAttribute } from '../template-attribute.ts';
import { bigInteger, enumeration, integer, openEnumeration } from '../ttlv/scalars.ts';
import { optional, repeated, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.38. Makes a key in parts, or cuts one up. */
export const createSplitKey = declare({
  name: 'Create Split Key',
  since: { major: 1, minor: 2 },
  repeatable: false,
  request: structure('Request Payload', {
    objectType: enumeration('Object Type', objectType),
    id: optional(uniqueIdentifier),
    parts: integer('Split Key Parts'),
    threshold: integer('Split Key Threshold'),
    method: openEnumeration('Split Key Method', splitKeyMethod),
    primeFieldSize: optional(bigInteger('Prime Field Size')),
    template: changedObject,
  }),
  response: structure('Response Payload', {
    ids: repeated(uniqueIdentifier, 256),
    template: until('1.4', optional(TemplateAttribute)),
  }),
});
