import { encode } from '@vouchsafe/bytes/codec';
import { concat } from '@vouchsafe/bytes/hex';
import { algorithms, type Bank, digest } from '../algorithms.ts';
import { type LogAlgorithm, tcgPcrEvent, tcgPcrEvent2 } from '../event.ts';
import { type EventTypeName, eventTypes } from '../event-types.ts';
import { SpecId } from '../spec-id.ts';

/** An event for a log made in a test. */
export interface EventInput {
  readonly pcr: number;
  readonly type: EventTypeName | number;
  /** Text is written as ASCII, without NUL. */
  readonly data: Uint8Array | string;
  /** What the digests are taken over; the data when absent. */
  readonly measured?: Uint8Array | string;
  /** Digests instead of computed ones. */
  readonly digests?: Partial<Record<Bank, Uint8Array>>;
}

const limit = 2 ** 20;
const bytesOf = (value: Uint8Array | string) =>
  typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'latin1')) : value;
const typeOf = (type: EventInput['type']) => (typeof type === 'number' ? type : eventTypes[type].value);

function digestFor(input: EventInput, bank: Bank): Uint8Array {
  const given = input.digests?.[bank];
  if (given !== undefined) return given;
  if (typeOf(input.type) === eventTypes.EV_NO_ACTION.value) return new Uint8Array(algorithms[bank].size);
  return digest(bank, bytesOf(input.measured ?? input.data));
}

/** A log in SHA-1 form. */
export const buildSha1Log = (events: readonly EventInput[]): Uint8Array<ArrayBuffer> =>
  concat(
    ...events.map((input) =>
      encode(tcgPcrEvent(limit), {
        pcrIndex: input.pcr,
        eventType: typeOf(input.type),
        digest: digestFor(input, 'sha1'),
        event: bytesOf(input.data),
      }),
    ),
  );

/** Data of a Spec ID event. `extra`: algorithms that no bank has a name for. */
export const buildSpecId = (
  banks: readonly Bank[],
  extra: readonly { algorithmId: number; digestSize: number }[] = [],
) =>
  encode(SpecId, {
    signature: bytesOf('Spec ID Event03\0'),
    platformClass: 0,
    specVersionMinor: 0,
    specVersionMajor: 2,
    specErrata: 0,
    uintnSize: 2,
    digestSizes: [
      ...banks.map((bank) => ({ algorithmId: algorithms[bank].id, digestSize: algorithms[bank].size })),
      ...extra,
    ],
    vendorInfo: new Uint8Array(),
  });

/** A log in crypto-agile form. `unknown`: a further bank of an algorithm without a name, with digests of that size. */
export function buildLog(
  events: readonly EventInput[],
  banks: readonly Bank[] = ['sha1', 'sha256'],
  unknown?: { id: number; size: number },
): Uint8Array<ArrayBuffer> {
  const declared: LogAlgorithm[] = banks.map((bank) => ({
    id: algorithms[bank].id,
    bank,
    size: algorithms[bank].size,
  }));
  if (unknown) declared.push({ ...unknown, bank: undefined });
  const extra = unknown ? [{ algorithmId: unknown.id, digestSize: unknown.size }] : [];
  const header = buildSha1Log([{ pcr: 0, type: 'EV_NO_ACTION', data: buildSpecId(banks, extra) }]);
  const codec = tcgPcrEvent2(declared, limit);
  const rest = events.map((input) =>
    encode(codec, {
      pcrIndex: input.pcr,
      eventType: typeOf(input.type),
      digests: declared.map(({ id, bank, size }) => ({
        hashAlg: id,
        digest: bank === undefined ? new Uint8Array(size).fill(0xa5) : digestFor(input, bank),
      })),
      event: bytesOf(input.data),
    }),
  );
  return concat(header, ...rest);
}

/** UTF-16LE with the NUL at its end. */
export const utf16 = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(`${text}\0`, 'utf16le'));

/** Data of a StartupLocality event. */
export const startupLocality = (value: number): Uint8Array<ArrayBuffer> =>
  concat(bytesOf('StartupLocality\0'), Uint8Array.of(value));
