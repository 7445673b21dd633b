/** Limits on what a peer may send. The standard sets none; these are far above what any peer needs. */
export const limits = {
  /** Octets of one message, header included. */
  message: 1_048_576,
  /** Levels of structures inside one another; the deepest of the standard is 9. */
  depth: 32,
  /** Items of one message, structures included. */
  items: 65_536,
  /** Batch items of one message. */
  batch: 256,
  /** Octets of a text string. */
  text: 65_536,
  /** Attributes of one list. */
  attributes: 128,
  /** Unique Identifiers in the answer to one Locate. */
  located: 1000,
  /** Octets of a Unique Batch Item ID. */
  batchItemId: 64,
} as const;
