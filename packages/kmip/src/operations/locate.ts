import { Attribute } from '../attribute.ts';
import { Attributes } from '../attributes.ts';
import { objectGroupMember } from '../enums.ts';
import { enumeration, integer } from '../ttlv/scalars.ts';
import { byMajor, enclosed, optional, repeated, since, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.9. The ids of the objects that have all these attributes. */
export const locate = declare({
  name: 'Locate',
  since: { major: 1, minor: 0 },
  repeatable: true,
  request: structure('Request Payload', {
    maximumItems: optional(integer('Maximum Items')),
    offsetItems: since('1.3', optional(integer('Offset Items'))),
    storageStatus: optional(integer('Storage Status Mask')),
    groupMember: since('1.1', optional(enumeration('Object Group Member', objectGroupMember))),
    attributes: byMajor(repeated(Attribute, 'attributes'), enclosed(Attributes, 'written')),
  }),
  response: structure('Response Payload', {
    total: since('1.3', optional(integer('Located Items'))),
    ids: repeated(uniqueIdentifier, 'located'),
  }),
});
