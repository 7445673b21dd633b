import { CryptographicParameters } from './cryptographic-parameters.ts';
import { encodingOption, wrappingMethod } from './enums.ts';
import type { ValueOf } from './ttlv/item.ts';
import { bytes, enumeration, openEnumeration, text } from './ttlv/scalars.ts';
import { optional, repeated, since, structure } from './ttlv/structure.ts';

const keyInformation = {
  id: text('Unique Identifier', 1024),
  parameters: optional(CryptographicParameters),
};

/** KMIP 1.4, 2.1.5, table 10: which key wraps, and how. */
export const EncryptionKeyInformation = structure('Encryption Key Information', keyInformation);
/** KMIP 1.4, 2.1.5, table 11: which key authenticates, and how. */
export const MacSignatureKeyInformation = structure('MAC/Signature Key Information', keyInformation);

const option = since('1.1', optional(enumeration('Encoding Option', encodingOption)));

/** KMIP 1.4, 2.1.5: how a key is wrapped. */
export const KeyWrappingData = structure('Key Wrapping Data', {
  method: openEnumeration('Wrapping Method', wrappingMethod),
  encryption: optional(EncryptionKeyInformation),
  authentication: optional(MacSignatureKeyInformation),
  macSignature: optional(bytes('MAC/Signature', 65_536)),
  iv: optional(bytes('IV/Counter/Nonce', 1024)),
  encoding: option,
});
export type KeyWrappingData = ValueOf<typeof KeyWrappingData>;

/** KMIP 1.4, 2.1.6: how a key is to be wrapped. */
export const KeyWrappingSpecification = structure('Key Wrapping Specification', {
  method: openEnumeration('Wrapping Method', wrappingMethod),
  encryption: optional(EncryptionKeyInformation),
  authentication: optional(MacSignatureKeyInformation),
  /** Attributes to be wrapped together with the key. */
  attributeNames: repeated(text('Attribute Name', 1024), 'attributes'),
  encoding: option,
});
export type KeyWrappingSpecification = ValueOf<typeof KeyWrappingSpecification>;
