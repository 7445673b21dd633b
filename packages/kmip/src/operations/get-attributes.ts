import { Attribute } from '../attribute.ts';
import { limits } from '../limits.ts';
import { text } from '../ttlv/scalars.ts';
import { optional, repeated, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.12. Without names, all attributes are given. */
export const getAttributes = declare({
  name: 'Get Attributes',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    names: repeated(text('Attribute Name', 1024), limits.attributes),
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    attributes: repeated(Attribute, limits.attributes),
  }),
});
