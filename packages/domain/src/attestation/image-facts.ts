import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { decodeLog, type EventLog } from '@vouchsafe/eventlog/log';
import { type ProvenFacts, provenFacts } from '@vouchsafe/eventlog/proven';
import { replay } from '@vouchsafe/eventlog/replay';
import type { BaseImage } from './base-image.ts';

/** What the log of a base image says. */
export interface ImageFacts {
  readonly log: EventLog;
  readonly facts: ProvenFacts;
  /** Whether the log leads to the value that the image fixes for a PCR: only then its events stand for it. */
  leadsTo(pcr: number): boolean;
}

const known = new WeakMap<BaseImage, ImageFacts>();

/**
 * The facts of an image's own log; remembered, since every host is compared with them.
 * @throws {DecodeError}, {EventLogError} when it is no log
 */
export function imageFacts(image: BaseImage): ImageFacts {
  const facts = known.get(image) ?? read(image);
  known.set(image, facts);
  return facts;
}

function read({ event_log, bank, pcrs, command_line }: BaseImage): ImageFacts {
  const log = decodeLog(fromBase64url(event_log));
  const replayed = replay(log, bank);
  const facts = provenFacts(log, bank, command_line === undefined ? {} : { commandLines: [command_line] });
  const leadsTo = (pcr: number) => hex(replayed.get(pcr) ?? new Uint8Array(32)) === pcrs[String(pcr)];
  return { log, facts, leadsTo };
}
