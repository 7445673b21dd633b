import { boolean, bytes } from '../ttlv/scalars.ts';
import { optional, since } from '../ttlv/structure.ts';

/** KMIP 1.4, 2.1.15: ties the parts of an operation together that is carried out in several. */
export const correlation = since('1.3', optional(bytes('Correlation Value', 256)));

/** The fields of a request that is one part of several. */
export const streaming = {
  correlation,
  /** The first part. */
  init: since('1.3', optional(boolean('Init Indicator'))),
  /** The last part. */
  final: since('1.3', optional(boolean('Final Indicator'))),
} as const;
