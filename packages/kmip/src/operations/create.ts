import { objectType } from '../enums.ts';
import { protectionStorageMasks } from '../protection-storage.ts';
import { newObject, TemplateAttribute } from '../template-attribute.ts';
import { enumeration } from '../ttlv/scalars.ts';
import { optional, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.1. Makes a symmetric key; its id becomes the ID Placeholder. */
export const create = declare({
  name: 'Create',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    objectType: enumeration('Object Type', objectType),
    template: newObject,
    protectionStorage: protectionStorageMasks('Protection Storage Masks'),
  }),
  response: structure('Response Payload', {
    objectType: enumeration('Object Type', objectType),
    id: uniqueIdentifier,
    template: until('1.4', optional(TemplateAttribute)),
  }),
});
