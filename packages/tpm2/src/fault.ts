/** What a check of evidence may find. */
export type FaultCode =
  | 'attest.magic'
  | 'attest.type'
  | 'attest.extraData'
  | 'attest.qualifiedSigner'
  | 'quote.selection'
  | 'quote.digest'
  | 'signature.scheme'
  | 'signature.value'
  | 'key';

/**
 * What is wrong with evidence. The functions that look for one are named after it (`magicFault`) and answer undefined
 * when all is well, so that no caller takes their answer for a success.
 */
export interface Fault {
  readonly code: FaultCode;
  readonly detail: string;
}
