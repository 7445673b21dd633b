import { decode } from '@vouchsafe/bytes/codec';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { algorithms, type Bank, canHash, digest } from './algorithms.ts';
import { EventLogError } from './error.ts';
import type { LogEvent } from './event.ts';
import { eventTypes } from './event-types.ts';
import type { EventLog } from './log.ts';
import { noActionSignature, StartupLocality } from './no-action.ts';

/** Whether an event was extended into its PCR: all but EV_NO_ACTION (Firmware Profile, 10.4.1). */
export const isExtended = (event: LogEvent): boolean => event.type !== eventTypes.EV_NO_ACTION.value;

/**
 * The PCR values that the log accounts for: only PCRs that it extends.
 * Equal values prove the digests and their order in each PCR, and neither types nor data.
 * @throws {EventLogError} when the log has no such bank, an event lacks its digest, or its StartupLocality event is wrong
 */
export function replay(log: EventLog, bank: Bank): Map<number, Uint8Array> {
  requireReplayable(log, bank);
  const locality = startupLocality(log);
  const pcrs = new Map<number, Uint8Array>();
  for (const event of log.events) {
    if (!isExtended(event)) continue;
    const before = pcrs.get(event.pcr) ?? initialValue(bank, event.pcr, locality);
    pcrs.set(event.pcr, digest(bank, before, event.digests[bank]!));
  }
  return pcrs;
}

/**
 * What a log needs so that it can be replayed; costs no hash.
 * @throws {EventLogError} as `replay` does
 */
export function requireReplayable(log: EventLog, bank: Bank): void {
  if (!log.banks.includes(bank)) {
    throw new EventLogError(
      'bank.absent',
      `the log has no ${bank} digests, only ${log.banks.join(', ') || 'unknown ones'}`,
    );
  }
  if (!canHash(bank)) throw new EventLogError('bank.unsupported', `this runtime cannot compute ${bank}`);
  startupLocality(log);
  for (const event of log.events) {
    if (isExtended(event) && event.digests[bank] === undefined)
      throw new EventLogError('digest.missing', `event ${event.index} has no ${bank} digest`, event.index);
  }
}

/**
 * The value of a PCR before the first event.
 * TPM 2.0 Part 1, "H-CRTM before TPM2_Startup" and PC Client Platform TPM Profile, "PCR initial and reset values":
 * PCR 0 starts with the locality of TPM2_Startup, PCR 17 to 22 (dynamic launch) with ones, all others with zeros.
 */
export function initialValue(bank: Bank, pcr: number, locality = 0): Uint8Array<ArrayBuffer> {
  const { size } = algorithms[bank];
  const value = new Uint8Array(size).fill(pcr >= 17 && pcr <= 22 ? 0xff : 0);
  if (pcr === 0) value[size - 1] = locality;
  return value;
}

const allowedLocalities = [0, 3, 4];

/**
 * Locality of TPM2_Startup: from the StartupLocality event; 4 when PCR 0 begins with an EV_EFI_HCRTM_EVENT; else 0.
 * @throws {EventLogError} when the event comes twice, after an event of PCR 0, in another PCR, or has no known value
 */
export function startupLocality(log: EventLog): number {
  let locality: number | undefined;
  let firstOfPcr0: LogEvent | undefined;
  for (const event of log.events) {
    if (isExtended(event)) {
      if (event.pcr === 0) firstOfPcr0 ??= event;
    } else if (noActionSignature(event.data) === 'StartupLocality') {
      if (locality !== undefined) refuse('locality.duplicate', event, 'a second StartupLocality event');
      if (event.pcr !== 0) refuse('locality.pcr', event, `StartupLocality event in PCR ${event.pcr}, expected 0`);
      if (firstOfPcr0)
        refuse('locality.late', event, `StartupLocality event behind event ${firstOfPcr0.index} of PCR 0`);
      locality = localityOf(event);
    }
  }
  return locality ?? (firstOfPcr0?.type === eventTypes.EV_EFI_HCRTM_EVENT.value ? 4 : 0);
}

/** Bytes of TCG_EfiStartupLocalityEvent. */
const localityEventSize = 17;

/** Zeros behind the structure are left out (quirk `startup-locality-padded`); anything else there is an error. */
function withoutPadding(data: Uint8Array): Uint8Array {
  const zeros = data.subarray(localityEventSize).every((byte) => byte === 0);
  return zeros ? data.subarray(0, localityEventSize) : data;
}

/** Whether a StartupLocality event has zeros behind its structure. */
export const isPaddedLocality = (event: LogEvent): boolean =>
  !isExtended(event) && noActionSignature(event.data) === 'StartupLocality' && event.data.length > localityEventSize;

function localityOf(event: LogEvent): number {
  try {
    const { startupLocality } = decode(StartupLocality, withoutPadding(event.data));
    if (allowedLocalities.includes(startupLocality)) return startupLocality;
    return refuse(
      'locality.value',
      event,
      `startup locality ${startupLocality}, expected ${allowedLocalities.join(', ')}`,
    );
  } catch (error) {
    if (error instanceof DecodeError) return refuse('locality.size', event, error.message);
    throw error;
  }
}

function refuse(code: EventLogError['code'], event: LogEvent, reason: string): never {
  throw new EventLogError(code, `event ${event.index}: ${reason}`, event.index);
}
