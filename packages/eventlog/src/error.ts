/** Why a log that decodes is still no account of a boot. */
export type EventLogErrorCode =
  | 'bank.absent'
  | 'bank.unsupported'
  | 'digest.missing'
  | 'locality.duplicate'
  | 'locality.late'
  | 'locality.pcr'
  | 'locality.size'
  | 'locality.value'
  | 'templateHash.mismatch';

/** A log that cannot be replayed. `event` is the index of the event at fault. */
export class EventLogError extends Error {
  override readonly name = 'EventLogError';
  readonly code: EventLogErrorCode;
  readonly event: number | undefined;

  constructor(code: EventLogErrorCode, message: string, event?: number) {
    super(message);
    this.code = code;
    this.event = event;
  }
}
