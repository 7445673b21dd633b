import { CryptographicParameters } from '../cryptographic-parameters.ts';
import { derivationMethod, objectType } from '../enums.ts';
import { newObject, TemplateAttribute } from '../template-attribute.ts';
import { bytes, enumeration, integer, openEnumeration, secret } from '../ttlv/scalars.ts';
import { optional, repeated, structure, until } from '../ttlv/structure.ts';
import { declare, uniqueIdentifier } from './operation.ts';

/** KMIP 1.4, 4.6, table 169. */
export const DerivationParameters = structure('Derivation Parameters', {
  cryptographic: optional(CryptographicParameters),
  iv: optional(bytes('Initialization Vector', 1024)),
  data: optional(secret('Derivation Data')),
  salt: optional(bytes('Salt', 65_536)),
  iterations: optional(integer('Iteration Count')),
});

/** KMIP 1.4, 4.6. Makes a key or secret out of others; its id becomes the ID Placeholder. */
export const deriveKey = declare({
  name: 'Derive Key',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
    objectType: enumeration('Object Type', objectType),
    /** The objects to derive from: the base first. */
    ids: repeated(uniqueIdentifier, 16),
    method: openEnumeration('Derivation Method', derivationMethod),
    parameters: DerivationParameters,
    template: newObject,
  }),
  response: structure('Response Payload', {
    id: uniqueIdentifier,
    template: until('1.4', optional(TemplateAttribute)),
  }),
});
