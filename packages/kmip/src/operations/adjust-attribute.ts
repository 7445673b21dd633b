import { attributeName } from '../attribute-name.ts';
import { adjustmentType } from '../enums.ts';
import { enumeration, integer } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 2.1, 6.1.3. Counts an attribute up or down, or turns it into its opposite. */
export const adjustAttribute = declare({
  name: 'Adjust Attribute',
  since: { major: 2, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    id: optional(uniqueIdentifier),
    name: attributeName,
    adjustment: enumeration('Adjustment Type', adjustmentType),
    value: optional(integer('Adjustment Value')),
  }),
  response: structure('Response Payload', { id: uniqueIdentifier }),
});
