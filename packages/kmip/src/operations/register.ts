import { objectType } from '../enums.ts';
import { ManagedObject } from '../managed-object.ts';
import { protectionStorageMasks } from '../protection-storage.ts';
import { newObject, TemplateAttribute } from '../template-attribute.ts';
import { enumeration } from '../ttlv/scalars.ts';
import { optional, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.3. Takes an object over that was made elsewhere; its id becomes the ID Placeholder. */
export const register = declare({
  name: 'Register',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    objectType: enumeration('Object Type', objectType),
    template: newObject,
    object: ManagedObject,
    protectionStorage: protectionStorageMasks('Protection Storage Masks'),
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    template: until('1.4', optional(TemplateAttribute)),
  }),
});
