import type { QuirkName } from './quirks.ts';

/** Peculiarities of a log that a policy may mind. Closed: every face shows them by code. */
export type FindingCode =
  /** Data that ought to hash to the digest and do not. */
  | 'data.mismatch'
  /** An event that was not extended has a digest. */
  | 'noAction.digest'
  /** A Spec ID event that is not the first event. */
  | 'noAction.specId'
  | 'quirk'
  /** A variable of PCR 7 stands there twice before the separator: no fact is taken from either. */
  | 'secureBoot.ambiguous'
  /** A variable of PCR 7 was measured behind the separator: no fact is taken from it. */
  | 'secureBoot.late'
  /** An event of PCR 7 that is no variable, separator or text. */
  | 'secureBoot.unexplained'
  /** Events of PCR 11 that are not a section's name and content in turn. */
  | 'section.order'
  | 'separator.error'
  | 'separator.missing'
  | 'separator.repeated';

/** One peculiarity, with the event and PCR it is about. */
export interface Finding {
  readonly code: FindingCode;
  readonly detail: string;
  readonly event?: number;
  readonly pcr?: number;
  readonly quirk?: QuirkName;
}
