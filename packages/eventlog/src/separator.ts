import { equalBytes } from '@vouchsafe/bytes/equal';
import { type Bank, digest } from './algorithms.ts';
import type { LogEvent } from './event.ts';
import { eventTypes } from './event-types.ts';
import { isExtended } from './replay.ts';

/**
 * What a separator says (Firmware Profile 1.06, 3.3.2.2 and 10.4.1): 00000000h and FFFFFFFFh end the firmware's part
 * of a PCR; 00000001h says that the firmware met an error, whatever text the event's data hold.
 */
export const separators = {
  zeros: Uint8Array.of(0, 0, 0, 0),
  ones: Uint8Array.of(0xff, 0xff, 0xff, 0xff),
  error: Uint8Array.of(1, 0, 0, 0),
} as const;
export type SeparatorState = keyof typeof separators;

/** The PCRs of the firmware's part: a separator is extended into each. */
const lastFirmwarePcr = 7;

const digests = new Map<Bank, [SeparatorState, Uint8Array][]>();

function digestsOf(bank: Bank): [SeparatorState, Uint8Array][] {
  let known = digests.get(bank);
  if (known === undefined) {
    known = Object.entries(separators).map(([state, data]) => [state as SeparatorState, digest(bank, data)]);
    digests.set(bank, known);
  }
  return known;
}

/**
 * In PCR 1 alone a digest may be that of a variable's value, and a BootOrder of two entries has four bytes, too:
 * there the label decides. Nothing is concluded from what stands before the separator of PCR 1.
 */
const isBootOrder = (event: LogEvent) => event.pcr === 1 && event.type === eventTypes.EV_EFI_VARIABLE_BOOT.value;

/** Which separator was extended, by its digest alone: the type of an event is a label that could hide a separator. */
export function separatorOf(event: LogEvent, bank: Bank): SeparatorState | undefined {
  const value = event.digests[bank];
  if (value === undefined || !isExtended(event) || event.pcr > lastFirmwarePcr || isBootOrder(event)) return undefined;
  return digestsOf(bank).find(([, expected]) => equalBytes(expected, value))?.[0];
}
