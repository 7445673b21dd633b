import { Attribute } from '../attribute.ts';
import { Attributes } from '../attributes.ts';
import { putFunction } from '../enums.ts';
import { ManagedObject } from '../managed-object.ts';
import { enumeration } from '../ttlv/scalars.ts';
import { byMajor, enclosed, optional, repeated, structure } from '../ttlv/structure.ts';
import { idAs } from '../unique-identifier.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 5.2. A server hands an object to a client of its own accord. */
export const put = declare({
  name: 'Put',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: uniqueIdentifier,
    function: enumeration('Put Function', putFunction),
    replaced: optional(idAs('Replaced Unique Identifier')),
    object: ManagedObject,
    attributes: byMajor(repeated(Attribute, 'attributes'), enclosed(Attributes)),
  }),
  response: structure('Response Payload', {}),
});
