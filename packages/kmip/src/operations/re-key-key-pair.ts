import { protectionStorageMasks } from '../protection-storage.ts';
import { newPairFields, privateKeyTemplate, publicKeyTemplate } from '../template-attribute.ts';
import { interval } from '../ttlv/scalars.ts';
import { optional, structure } from '../ttlv/structure.ts';
import { idAs } from '../unique-identifier.ts';
import { declare } from './operation.ts';

/** KMIP 1.4, 4.5. Makes a pair that replaces another; the id of the private key becomes the ID Placeholder. */
export const reKeyKeyPair = declare({
  name: 'Re-key Key Pair',
  since: { major: 1, minor: 1 },
  repeatable: false,
  request: structure('Request Payload', {
    privateKeyId: optional(idAs('Private Key Unique Identifier')),
    /** Seconds between the Initial Date and the Activation Date of the new pair. */
    offset: optional(interval('Offset')),
    ...newPairFields,
    commonStorage: protectionStorageMasks('Common Protection Storage Masks'),
    privateStorage: protectionStorageMasks('Private Protection Storage Masks'),
    publicStorage: protectionStorageMasks('Public Protection Storage Masks'),
  }),
  response: structure('Response Payload', {
    privateKeyId: idAs('Private Key Unique Identifier'),
    publicKeyId: idAs('Public Key Unique Identifier'),
    privateKeyTemplate,
    publicKeyTemplate,
  }),
});
