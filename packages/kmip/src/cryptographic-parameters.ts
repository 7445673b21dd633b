import {
  blockCipherMode,
  cryptographicAlgorithm,
  digitalSignatureAlgorithm,
  hashingAlgorithm,
  keyRoleType,
  maskGenerator,
  paddingMethod,
} from './enums.ts';
import type { ValueOf } from './ttlv/item.ts';
import { item } from './ttlv/item.ts';
import { boolean, bytes, integer, openEnumeration } from './ttlv/scalars.ts';
import { optional, since, structureBody } from './ttlv/structure.ts';

/** KMIP 1.4, 3.6: the fields, for the attribute as well as for the operations that take them. */
export const cryptographicParametersBody = structureBody({
  mode: optional(openEnumeration('Block Cipher Mode', blockCipherMode)),
  padding: optional(openEnumeration('Padding Method', paddingMethod)),
  hash: optional(openEnumeration('Hashing Algorithm', hashingAlgorithm)),
  role: optional(openEnumeration('Key Role Type', keyRoleType)),
  signatureAlgorithm: since('1.2', optional(openEnumeration('Digital Signature Algorithm', digitalSignatureAlgorithm))),
  algorithm: since('1.2', optional(openEnumeration('Cryptographic Algorithm', cryptographicAlgorithm))),
  randomIv: since('1.2', optional(boolean('Random IV'))),
  /** Octets. */
  ivLength: since('1.2', optional(integer('IV Length'))),
  /** Octets. */
  tagLength: since('1.2', optional(integer('Tag Length'))),
  fixedFieldLength: since('1.2', optional(integer('Fixed Field Length'))),
  invocationFieldLength: since('1.2', optional(integer('Invocation Field Length'))),
  counterLength: since('1.2', optional(integer('Counter Length'))),
  initialCounter: since('1.2', optional(integer('Initial Counter Value'))),
  saltLength: since('1.4', optional(integer('Salt Length'))),
  maskGenerator: since('1.4', optional(openEnumeration('Mask Generator', maskGenerator))),
  maskGeneratorHash: since('1.4', optional(openEnumeration('Mask Generator Hashing Algorithm', hashingAlgorithm))),
  pSource: since('1.4', optional(bytes('P Source', 65_536))),
  trailerField: since('1.4', optional(integer('Trailer Field'))),
});

/** KMIP 1.4, 3.6. */
export const CryptographicParameters = item('Cryptographic Parameters', cryptographicParametersBody);
export type CryptographicParameters = ValueOf<typeof CryptographicParameters>;
