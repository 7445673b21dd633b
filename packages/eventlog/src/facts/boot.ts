import { contentOf } from '../content.ts';
import { asciiText } from '../text.ts';
import { type Fact, fact, type Measured, provenBytes } from './fact.ts';

/** An image that the firmware started: only the digest is proven. */
export interface BootImage {
  /** Authenticode digest in the bank of the facts. */
  readonly digest: Uint8Array;
  /** Device path as the log has it. Not measured: for people only. */
  readonly unprovenPath: string | undefined;
  /** The event's label. Not measured. */
  readonly unprovenType: string;
}

/**
 * The images of PCR 2 (drivers) or PCR 4 (applications): every event there that is not a proven text.
 * An image cannot hide behind another label: all that could be one is listed.
 */
export const bootImages = (events: readonly Measured[]): Fact<BootImage>[] =>
  events.filter((each) => actionText(each) === undefined).map((each) => fact(each, bootImage(each)));

function bootImage({ event, digest }: Measured): BootImage {
  const content = contentOf(event);
  const unprovenPath = content.kind === 'image' ? content.devicePath : undefined;
  return { digest, unprovenPath, unprovenType: event.typeName };
}

/** The proven text of an event such as EV_EFI_ACTION; undefined for everything that is no printable text. */
export function actionText(each: Measured): string | undefined {
  const bytes = provenBytes(each);
  return bytes !== undefined && bytes.length > 0 ? asciiText(bytes) : undefined;
}

/** How far ExitBootServices came, by the texts of PCR 5 (Firmware Profile 1.06, 10.4.4). */
export type ExitBootServices = 'invoked' | 'succeeded' | 'failed';

const exitTexts: Readonly<Record<string, ExitBootServices>> = {
  'Exit Boot Services Invocation': 'invoked',
  'Exit Boot Services Returned with Failure': 'failed',
  'Exit Boot Services Returned with Success': 'succeeded',
};

/** The last proven state of ExitBootServices; undefined when the firmware logs none. */
export function exitBootServices(pcr5: readonly Measured[]): Fact<ExitBootServices> | undefined {
  return pcr5
    .flatMap((each) => {
      const state = exitTexts[actionText(each) ?? ''];
      return state === undefined ? [] : [fact(each, state)];
    })
    .at(-1);
}
