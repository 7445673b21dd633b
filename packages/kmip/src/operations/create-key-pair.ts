import { protectionStorageMasks } from '../protection-storage.ts';
import { newPairFields, privateKeyTemplate, publicKeyTemplate } from '../template-attribute.ts';
import { structure } from '../ttlv/structure.ts';
import { idAs } from '../unique-identifier.ts';
import { declare } from './operation.ts';

/** KMIP 1.4, 4.2. Makes a private and a public key; the id of the private one becomes the ID Placeholder. */
export const createKeyPair = declare({
  name: 'Create Key Pair',
  since: { major: 1, minor: 0 },
  repeatable: false,
  request: structure('Request Payload', {
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
