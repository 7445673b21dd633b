import { protectionStorageMasks } from '../protection-storage.ts';
import { changedObject, TemplateAttribute } from '../template-attribute.ts';
import { interval } from '../ttlv/scalars.ts';
import { optional, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.4. Makes a symmetric key that replaces another; its id becomes the ID Placeholder. */
export const reKey = declare({
  name: 'Re-key',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    /** Seconds between the Initial Date and the Activation Date of the new key. */
    offset: optional(interval('Offset')),
    template: changedObject,
    protectionStorage: protectionStorageMasks('Protection Storage Masks'),
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    template: until('1.4', optional(TemplateAttribute)),
  }),
});
