import { hex } from '@vouchsafe/bytes/hex';
import type { Bank } from '@vouchsafe/eventlog/algorithms';
import { decodeLog, type EventLog } from '@vouchsafe/eventlog/log';
import { initialValue, isExtended, replay, startupLocality } from '@vouchsafe/eventlog/replay';
import { userspaceWords } from '@vouchsafe/eventlog/userspace';
import type { Appraisal, Check } from '../appraisal.ts';
import type { HeldLog } from '../held-log.ts';
import { imaPcr } from '../ima/progress.ts';
import { quirkFinding } from '../log-findings.ts';
import { type Finding, fail } from '../verdict.ts';

/** Stops a log that is not the one of this boot: replayed, it must give every quoted value, zeros included. */
export const eventLogReplay: Check = {
  id: 'eventlog.replay',
  gate: true,
  run(appraisal) {
    const { bank } = appraisal.input.challenge;
    const read = appraisal.has('held') ? heldReplay(appraisal.get('held'), bank) : replayed(appraisal, bank);
    const findings: Finding[] = imaEvents(read.log);
    for (const [pcr, value] of appraisal.get('pcrs')) {
      if (pcr === imaPcr) continue;
      const expected = read.value(pcr);
      const words = userspaceWords(bank, pcr, expected, value);
      if (words === undefined) {
        findings.push(fail(this.id, `PCR ${pcr}: the log gives ${hex(expected)}, the TPM has ${hex(value)}`, { pcr }));
      } else if (words.length > 0) {
        const { rules } = appraisal.input.policy;
        findings.push(
          quirkFinding('userspace-words', `the running system measured ${words.join(', ')}`, { pcr }, rules),
        );
      }
    }
    if (findings.some(({ severity }) => severity === 'fail')) return findings;
    if (read.log !== undefined) appraisal.prove('log', read.log);
    appraisal.prove('replayed', read.values);
    return findings;
  },
};

/**
 * PCR 10 belongs to IMA from its first value on, and no firmware extends it (UAPI Linux TPM PCR Registry). Events of it in
 * the log of the firmware would be a place for measurements of files that nobody judges.
 */
function imaEvents(log: EventLog | undefined): Finding[] {
  const hidden = log?.events.find((event) => event.pcr === imaPcr && isExtended(event));
  if (hidden === undefined) return [];
  const detail = `event ${hidden.index} of the event log is of PCR ${imaPcr}, which IMA alone extends`;
  return [fail('eventlog.replay', detail, { pcr: imaPcr, event: hidden.index })];
}

interface Replayed {
  readonly log: EventLog | undefined;
  /** Of the PCRs that the log extends, or of all. */
  readonly values: ReadonlyMap<number, Uint8Array>;
  value(pcr: number): Uint8Array;
}

/** @throws {DecodeError}, {EventLogError} */
function replayed({ input }: Appraisal, bank: Bank): Replayed {
  if (input.evidence.eventLog === undefined) throw new TypeError('there is no event log');
  const log = decodeLog(input.evidence.eventLog);
  const [values, locality] = [replay(log, bank), startupLocality(log)];
  return { log, values, value: (pcr) => values.get(pcr) ?? initialValue(bank, pcr, locality) };
}

/** Where the log led when it was there. */
function heldReplay(held: HeldLog, bank: Bank): Replayed {
  const values = held.values(bank);
  if (values === undefined) throw new TypeError(`no values of bank ${bank} are held`);
  return { log: undefined, values, value: (pcr) => values.get(pcr) ?? new Uint8Array() };
}
