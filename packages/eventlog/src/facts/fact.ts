import type { LogEvent } from '../event.ts';
import type { Proof } from '../proof.ts';

/** Before or behind the separator of its PCR; PCRs from 8 on belong to the loader. */
export type Phase = 'firmware' | 'loader';

/** An extended event with its digest in the bank, its proof and its phase. */
export interface Measured {
  readonly event: LogEvent;
  readonly digest: Uint8Array;
  readonly proof: Proof;
  readonly phase: Phase;
}

/**
 * A value that the measured bytes prove. It holds when the replay of `pcr` equals a quote: a fact of a PCR that was not
 * quoted is none. Root on the running host can extend further events, so facts of phase `loader` may be additions.
 */
export interface Fact<T> {
  readonly value: T;
  readonly pcr: number;
  readonly event: number;
  readonly phase: Phase;
}

/** The fact that an event proves. */
export const fact = <T>({ event, phase }: Measured, value: T): Fact<T> => ({
  value,
  pcr: event.pcr,
  event: event.index,
  phase,
});

/** The proven bytes of an event, or undefined. */
export const provenBytes = ({ proof }: Measured): Uint8Array | undefined =>
  proof.state === 'data' ? proof.measured : undefined;
