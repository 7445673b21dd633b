import type { TagName } from './tags.ts';
import { integer } from './ttlv/scalars.ts';
import { optional, repeated, since, structure } from './ttlv/structure.ts';

/**
 * KMIP 2.1, 7.23: where the server may keep an object, as masks of which any one must be met. It stands in requests
 * under several tags, one for each object that they make.
 */
export const protectionStorageMasks = (name: TagName) =>
  since('2.0', optional(structure(name, { masks: repeated(integer('Protection Storage Mask'), 32) })));
