import { type Codec, decode } from '@vouchsafe/bytes/codec';
import { DecodeError, Reader } from '@vouchsafe/bytes/reader';
import { algorithms, type Bank, bankOf } from './algorithms.ts';
import { fromAgileForm, fromSha1Form, type LogAlgorithm, type LogEvent, tcgPcrEvent, tcgPcrEvent2 } from './event.ts';
import { eventTypes } from './event-types.ts';
import { noActionSignature } from './no-action.ts';
import { SpecId } from './spec-id.ts';

/** What a log may cost. */
export interface LogLimits {
  /** Bytes of the whole log. */
  readonly bytes: number;
  readonly events: number;
  /** Bytes of one event's data. */
  readonly eventBytes: number;
}

/** Far above any log seen on a real machine (the largest hold a few thousand events, below 1 MiB). */
export const defaultLogLimits: LogLimits = { bytes: 16 * 2 ** 20, events: 65_536, eventBytes: 2 ** 20 };

/** Fill behind the last event: the log area of some platforms (ACPI CCEL, TPM2 LAML) is copied whole. */
export interface Padding {
  readonly byte: 0x00 | 0xff;
  readonly length: number;
}

/** A decoded TCG event log. Nothing in it is proven before it is replayed and compared with a quote. */
export interface EventLog {
  /** `sha1`: TCG_PCR_EVENT throughout; `agile`: a Spec ID Event03, then TCG_PCR_EVENT2. */
  readonly form: 'sha1' | 'agile';
  readonly specId: SpecId | undefined;
  /** What the log declares, in its order; algorithms that are unknown here included. */
  readonly algorithms: readonly LogAlgorithm[];
  /** The known ones of `algorithms`. */
  readonly banks: readonly Bank[];
  readonly events: readonly LogEvent[];
  readonly padding: Padding | undefined;
}

/** PCR indices fit the largest TPMS_PCR_SELECTION. */
const maxPcr = 31;
/** Shorter fill could be the beginning of a truncated event; PCR and type together can never be all 0x00 or all 0xff. */
const minPadding = 8;
const sha1Only: LogAlgorithm = { id: algorithms.sha1.id, bank: 'sha1', size: algorithms.sha1.size };

/**
 * Decodes a TCG event log of either form.
 * @throws {DecodeError} naming event, field and offset when the bytes are no log or a limit is passed
 */
export function decodeLog(bytes: Uint8Array, limits: LogLimits = defaultLogLimits): EventLog {
  const reader = new Reader(bytes);
  return reader.within('log', () => {
    if (bytes.length > limits.bytes) reader.fail(`${bytes.length} bytes, limit ${limits.bytes}`);
    if (bytes.length === 0) reader.fail('no event: the log is empty');
    const fill = fillAtEnd(bytes);
    if (fill.start === 0)
      reader.fail(`no event: the log is nothing but 0x${fill.byte.toString(16).padStart(2, '0')} bytes`);
    const sha1Form = tcgPcrEvent(limits.eventBytes);
    const first = reader.within('[0]', () => readEvent(reader, sha1Form, fromSha1Form, 0));
    if (!isSpecId(first)) {
      const rest = readEvents(reader, sha1Form, fromSha1Form, limits, first);
      return { form: 'sha1', specId: undefined, algorithms: [sha1Only], banks: ['sha1'], ...rest };
    }
    const specId = readSpecId(first);
    const declared = specId.digestSizes.map((each) => ({
      id: each.algorithmId,
      bank: bankOf(each.algorithmId),
      size: each.digestSize,
    }));
    const rest = readEvents(reader, tcgPcrEvent2(declared, limits.eventBytes), fromAgileForm, limits, first);
    const banks = declared.flatMap(({ bank }) => (bank === undefined ? [] : [bank]));
    return { form: 'agile', specId, algorithms: declared, banks, ...rest };
  });
}

const isSpecId = (event: LogEvent) =>
  event.type === eventTypes.EV_NO_ACTION.value && noActionSignature(event.data) === 'Spec ID Event03';

/** The Spec ID event, with offsets counted from the start of the log. */
function readSpecId(first: LogEvent): SpecId {
  if (first.pcr !== 0)
    throw new DecodeError('log[0].pcrIndex', 0, `the Spec ID event is in PCR ${first.pcr}, expected 0`);
  const specId = atOffset('log[0].event', 32, () => decode(SpecId, first.data));
  const path = 'log[0].event.digestSizes';
  if (specId.digestSizes.length === 0) throw new DecodeError(path, 56, 'no algorithm, expected one or more');
  const seen = new Set<number>();
  for (const [i, { algorithmId, digestSize }] of specId.digestSizes.entries()) {
    const fail = (reason: string) => {
      throw new DecodeError(`${path}[${i}]`, 60 + 4 * i, reason);
    };
    if (seen.has(algorithmId)) fail(`algorithm 0x${algorithmId.toString(16)} is declared twice`);
    seen.add(algorithmId);
    const bank = bankOf(algorithmId);
    if (bank !== undefined && algorithms[bank].size !== digestSize) {
      fail(`digest size of ${bank} is ${digestSize}, expected ${algorithms[bank].size}`);
    }
  }
  return specId;
}

/** Runs a decoder of a part and reports its errors where they stand in the whole. */
function atOffset<T>(path: string, offset: number, f: () => T): T {
  try {
    return f();
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError(`${path} ${error.path}`, offset + error.offset, error.reason);
  }
}

function readEvent<T>(reader: Reader, codec: Codec<T>, convert: Convert<T>, index: number): LogEvent {
  const at = reader.offset;
  const value = codec.read(reader, {});
  const event = convert(value, index, at);
  if (event.pcr > maxPcr && event.type !== eventTypes.EV_NO_ACTION.value) {
    reader.within('pcrIndex', () => reader.fail(`PCR ${event.pcr}, expected 0..${maxPcr}`, at));
  }
  return event;
}

type Convert<T> = (value: T, index: number, offset: number) => LogEvent;

function readEvents<T>(
  reader: Reader,
  codec: Codec<T>,
  convert: Convert<T>,
  limits: LogLimits,
  first: LogEvent,
): { events: LogEvent[]; padding: Padding | undefined } {
  const events = [first];
  const fill = fillAtEnd(reader.bytes);
  while (reader.left > 0) {
    const length = reader.bytes.length - Math.max(reader.offset, fill.start);
    if (fill.start <= reader.offset && length >= minPadding) return { events, padding: { byte: fill.byte, length } };
    if (events.length === limits.events) reader.fail(`more than ${limits.events} events`);
    const index = events.length;
    events.push(reader.within(`[${index}]`, () => readEvent(reader, codec, convert, index)));
  }
  return { events, padding: undefined };
}

/** Where the run of equal 0x00 or 0xff bytes at the end begins; found once, so that no event scans the rest again. */
function fillAtEnd(bytes: Uint8Array): { byte: 0x00 | 0xff; start: number } {
  const byte = bytes.at(-1) === 0xff ? 0xff : 0x00;
  let start = bytes.length;
  while (start > 0 && bytes[start - 1] === byte) start--;
  return { byte, start };
}
