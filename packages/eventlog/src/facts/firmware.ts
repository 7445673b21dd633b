import { attempt } from '../attempt.ts';
import { eventTypes } from '../event-types.ts';
import type { EventLog } from '../log.ts';
import { isExtended, startupLocality } from '../replay.ts';
import { asciiText, printable, utf16Text } from '../text.ts';
import { decodeLoadOption, type LoadOption } from '../uefi/load-option.ts';
import { type Fact, fact, type Measured, provenBytes } from './fact.ts';

/** How the TPM was started: PCR 0 begins with it, so an equal replay proves it (TPM 2.0 Part 1, 12.2.3.3). */
export interface TpmStartup {
  /** 0: anybody who resets the TPM can do it; 3: only before the operating system; 4: only hardware. */
  readonly locality: number;
  /** A hardware root measured the firmware before TPM2_Startup. */
  readonly hcrtm: boolean;
}

/** @throws {EventLogError} when the log says two things about it */
export function tpmStartup(log: EventLog): TpmStartup {
  const first = log.events.find((event) => isExtended(event) && event.pcr === 0);
  return { locality: startupLocality(log), hcrtm: first?.type === eventTypes.EV_EFI_HCRTM_EVENT.value };
}

/** Proven texts of the firmware's part of PCR 0: its version (EV_S_CRTM_VERSION), whatever the label. */
export const firmwareVersions = (pcr0: readonly Measured[]): Fact<string>[] =>
  pcr0
    .filter(({ phase }) => phase === 'firmware')
    .flatMap((each) => {
      const text = versionText(provenBytes(each));
      return text === undefined ? [] : [fact(each, text)];
    });

/** Makers write ASCII or UTF-16, with or without NUL. */
function versionText(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined || bytes.length < 2) return undefined;
  const wide = bytes[1] === 0 && bytes.length % 2 === 0;
  const text = wide ? utf16Text(bytes) : asciiText(bytes);
  return text === undefined || text === '' || /[\p{C}\u{fffd}]/u.test(text) ? undefined : text;
}

/** An entry of the boot menu. Its content is proven; the name of its variable often is not (quirk `variable-value-only`). */
export interface BootOption extends Omit<LoadOption, 'optionalData'> {
  /** Of the variable, for instance `Boot0001`, as the log has it. For people only. */
  readonly unprovenName: string;
}

/** The boot menu that the firmware measured into PCR 1. */
export const bootOptions = (pcr1: readonly Measured[], nameOf: (each: Measured) => string): Fact<BootOption>[] =>
  pcr1
    .filter(({ phase }) => phase === 'firmware')
    .flatMap((each) => {
      // Under any label: the digest alone says that these octets were measured.
      const bytes = provenBytes(each);
      const option = bytes && attempt(() => decodeLoadOption(bytes));
      if (!option) return [];
      const { attributes, description, path } = option;
      const unprovenName = printable(nameOf(each), 64);
      return [fact(each, { attributes, description: printable(description), path, unprovenName })];
    });
