/** What can go wrong besides bytes that are no LUKS header (those are a `DecodeError` with the field's path). */
export type LuksErrorCode =
  | 'key.size'
  | 'key.halves-equal'
  | 'key.wrong'
  | 'passphrase.empty'
  | 'passphrase.wrong'
  | 'uuid.malformed'
  | 'iterations.range'
  | 'slot.none-free'
  | 'slot.inactive'
  | 'slot.last'
  | 'platform.endianness'
  | 'source.missing'
  | 'source.kind'
  | 'source.format'
  | 'source.size'
  | 'source.linked'
  | 'source.changed'
  | 'source.in-use'
  | 'target.directory'
  | 'target.exists'
  | 'target.space'
  | 'target.full'
  | 'target.differs'
  | 'journal.malformed'
  | 'journal.other'
  | 'conversion.busy'
  | 'disk.failed'
  | 'worker.failed';

/** An operation on a header or an image that was refused or failed; the message says what to do. */
export class LuksError extends Error {
  override readonly name = 'LuksError';
  readonly code: LuksErrorCode;

  constructor(code: LuksErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
