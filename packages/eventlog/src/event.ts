import { type Codec, fixed, type Infer, list, sized, struct, u16le, u32le } from '@vouchsafe/bytes/codec';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { EncodeError } from '@vouchsafe/bytes/writer';
import { type Bank, bankOf } from './algorithms.ts';
import { eventTypeName } from './event-types.ts';

/** An algorithm that a log declares. `bank` is undefined when this package does not know it; `size` in bytes. */
export interface LogAlgorithm {
  readonly id: number;
  readonly bank: Bank | undefined;
  readonly size: number;
}

/** Digests of one event, by bank. */
export type Digests = Readonly<Partial<Record<Bank, Uint8Array>>>;

/** One event of a log. `pcr`, `type` and `data` are what the log says: only the digest was measured. */
export interface LogEvent {
  readonly index: number;
  /** Offset in bytes from the start of the log. */
  readonly offset: number;
  readonly pcr: number;
  readonly type: number;
  readonly typeName: string;
  readonly digests: Digests;
  readonly data: Uint8Array;
}

/** TCG_PCR_EVENT: the SHA-1 form, and the header of the crypto-agile form (Firmware Profile, 10.2.1). */
export const tcgPcrEvent = (maxData: number) =>
  struct('TCG_PCR_EVENT', {
    pcrIndex: u32le,
    eventType: u32le,
    digest: fixed('digest', 20),
    event: sized('event', u32le, maxData),
  });
export type TcgPcrEvent = Infer<ReturnType<typeof tcgPcrEvent>>;

/** TPMT_HA, little-endian in a log; its size is the one that the Spec ID event declares. */
export interface TpmtHa {
  readonly hashAlg: number;
  readonly digest: Uint8Array;
}

/** TCG_PCR_EVENT2: the crypto-agile form (Firmware Profile, 10.2.2). */
export const tcgPcrEvent2 = (algorithms: readonly LogAlgorithm[], maxData: number) =>
  struct('TCG_PCR_EVENT2', {
    pcrIndex: u32le,
    eventType: u32le,
    digests: list('TPML_DIGEST_VALUES', u32le, tpmtHa(algorithms), algorithms.length),
    event: sized('event', u32le, maxData),
  });
export type TcgPcrEvent2 = Infer<ReturnType<typeof tcgPcrEvent2>>;

function tpmtHa(algorithms: readonly LogAlgorithm[]): Codec<TpmtHa> {
  const sizes = new Map(algorithms.map(({ id, size }) => [id, size]));
  return {
    name: 'TPMT_HA',
    read(reader) {
      const at = reader.offset;
      const hashAlg = u16le.read(reader, {});
      const size = sizes.get(hashAlg);
      if (size === undefined)
        return reader.fail(`algorithm 0x${hashAlg.toString(16)} is not one of the Spec ID event`, at);
      return { hashAlg, digest: reader.take(size) };
    },
    write(writer, { hashAlg, digest }) {
      if (digest.length !== sizes.get(hashAlg)) throw new EncodeError(`TPMT_HA: ${digest.length} bytes`);
      u16le.write(writer, hashAlg, {});
      writer.put(digest);
    },
  };
}

/** The event of a TCG_PCR_EVENT. */
export const fromSha1Form = (value: TcgPcrEvent, index: number, offset: number): LogEvent => ({
  index,
  offset,
  pcr: value.pcrIndex,
  type: value.eventType,
  typeName: eventTypeName(value.eventType),
  digests: { sha1: value.digest },
  data: value.event,
});

/**
 * The event of a TCG_PCR_EVENT2; digests of unknown algorithms are left out.
 * @throws {DecodeError} when it has two digests of one algorithm
 */
export function fromAgileForm(value: TcgPcrEvent2, index: number, offset: number): LogEvent {
  const digests: Partial<Record<Bank, Uint8Array>> = {};
  const seen = new Set<number>();
  for (const { hashAlg, digest } of value.digests) {
    if (seen.has(hashAlg)) {
      throw new DecodeError(
        `log[${index}].digests`,
        offset + 8,
        `algorithm 0x${hashAlg.toString(16)} stands there twice`,
      );
    }
    seen.add(hashAlg);
    const bank = bankOf(hashAlg);
    if (bank !== undefined) digests[bank] = digest;
  }
  const { pcrIndex: pcr, eventType: type } = value;
  return { index, offset, pcr, type, typeName: eventTypeName(type), digests, data: value.event };
}
