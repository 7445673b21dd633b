import {
  destroyAction,
  profileName,
  rngMode,
  shreddingAlgorithm,
  unwrapMode,
  validationAuthorityType,
  validationType,
} from './enums.ts';
import { boolean, integer, openEnumeration, text } from './ttlv/scalars.ts';
import { optional, repeated, since, structure } from './ttlv/structure.ts';

/** What a server says of itself when it is queried. */

const short = 1024;

/** KMIP 1.4, 2.1.9: a tag of the server's own. */
export const ExtensionInformation = structure('Extension Information', {
  name: text('Extension Name', short),
  tag: optional(integer('Extension Tag')),
  /** The code of the item type. */
  type: optional(integer('Extension Type')),
});

/** KMIP 1.4, 2.1.19. */
export const ProfileInformation = structure('Profile Information', {
  name: openEnumeration('Profile Name', profileName),
  version: since(
    '2.0',
    optional(
      structure('Profile Version', {
        major: integer('Profile Version Major'),
        minor: integer('Profile Version Minor'),
      }),
    ),
  ),
  uri: optional(text('Server URI', short)),
  port: optional(integer('Server Port')),
});

/** KMIP 1.4, 2.1.20. */
export const ValidationInformation = structure('Validation Information', {
  authority: openEnumeration('Validation Authority Type', validationAuthorityType),
  country: optional(text('Validation Authority Country', short)),
  authorityUri: optional(text('Validation Authority URI', short)),
  major: integer('Validation Version Major'),
  minor: optional(integer('Validation Version Minor')),
  type: openEnumeration('Validation Type', validationType),
  level: integer('Validation Level'),
  certificate: optional(text('Validation Certificate Identifier', short)),
  certificateUri: optional(text('Validation Certificate URI', short)),
  vendorUri: optional(text('Validation Vendor URI', short)),
  profiles: repeated(text('Validation Profile', short), 64),
});

/** KMIP 1.4, 2.1.21. */
export const CapabilityInformation = structure('Capability Information', {
  streaming: optional(boolean('Streaming Capability')),
  asynchronous: optional(boolean('Asynchronous Capability')),
  attestation: optional(boolean('Attestation Capability')),
  batchUndo: since('1.4', optional(boolean('Batch Undo Capability'))),
  batchContinue: since('1.4', optional(boolean('Batch Continue Capability'))),
  unwrap: optional(openEnumeration('Unwrap Mode', unwrapMode)),
  destroy: optional(openEnumeration('Destroy Action', destroyAction)),
  shredding: optional(openEnumeration('Shredding Algorithm', shreddingAlgorithm)),
  rng: optional(openEnumeration('RNG Mode', rngMode)),
  quantumSafe: since('2.0', optional(boolean('Quantum Safe Capability'))),
});
