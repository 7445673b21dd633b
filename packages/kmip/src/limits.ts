/**
 * Limits on what a peer may send. The standard sets none; the defaults are far above what any peer needs. Whoever reads
 * messages may set each of them lower (`ReadOptions.limits`): what is written holds to the defaults.
 */
export interface TtlvLimits {
  /** Octets of one message, header included; it is the framer that holds to it. */
  readonly message: number;
  /** Levels of structures inside one another; the deepest of the standard is 9. */
  readonly depth: number;
  /** Items of one message, structures included. */
  readonly items: number;
  /** Batch items of one message. */
  readonly batch: number;
  /** Octets of a text string. */
  readonly text: number;
  /** Attributes of one list. */
  readonly attributes: number;
  /** Octets of the value of a custom attribute. */
  readonly attributeValue: number;
  /** Octets of a Unique Batch Item ID. */
  readonly batchItemId: number;
  /** Unique Identifiers in the answer to one Locate. */
  readonly located: number;
}

/** The defaults. */
export const limits: TtlvLimits = {
  message: 1_048_576,
  depth: 32,
  items: 65_536,
  batch: 256,
  text: 65_536,
  attributes: 128,
  attributeValue: 8192,
  batchItemId: 64,
  located: 1000,
};
