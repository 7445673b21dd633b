import { hex } from '@vouchsafe/bytes/hex';
import { algorithms } from '@vouchsafe/eventlog/algorithms';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import type { Appraisal, Check } from '../appraisal.ts';
import { continueIma, type ImaStart, imaPcr, passesThrough, startAfter, startOfBoot } from '../ima/progress.ts';
import { type Finding, fail } from '../verdict.ts';

/** Stops an IMA log that is not the one of PCR 10. Entries that were added after the quote are no failure. */
export const imaReplay: Check = {
  id: 'ima.replay',
  run(appraisal) {
    const { evidence, imaProgress } = appraisal.input;
    const quoted = appraisal.get('pcrs').get(imaPcr);
    if (quoted === undefined) return [fail('ima.replay', 'PCR 10 is not quoted', { pcr: imaPcr })];
    const start = startOf(appraisal);
    if ('check' in start) return [start];
    const entries = evidence.imaLog === undefined ? [] : decodeImaLog(evidence.imaLog);
    const found = continueIma(start, entries, quoted);
    if (found === undefined) return [unaccounted(evidence.imaLog, quoted)];
    const proven = entries.slice(0, found.covered);
    if (start.entries === 0 && imaProgress !== undefined && !passesThrough(start, proven, imaProgress))
      return [fail('ima.shrunk', shrunk(imaProgress.entries), { pcr: imaPcr })];
    appraisal.prove('ima', { ...found, proven });
    return [];
  },
};

function startOf(appraisal: Appraisal): ImaStart | Finding {
  const { evidence, imaProgress, challenge } = appraisal.input;
  const { bank } = challenge;
  const offset = evidence.reference?.imaEntries ?? 0;
  if (offset > 0)
    return imaProgress?.entries === offset ? startAfter(imaProgress) : unknownStart(offset, imaProgress?.entries);
  // From zeros: whatever was extended before would be files that nobody judges; `eventlog.replay` refuses such events.
  return startOfBoot(bank, new Uint8Array(algorithms[bank].size));
}

/** `ima.send-log`: the service asks the host for the whole log; a refusal only where nobody does. */
const unknownStart = (offset: number, known: number | undefined): Finding =>
  fail(
    'ima.send-log',
    `the IMA log is sent from entry ${offset} on, and ${known ?? 0} entries of this boot are known`,
    {
      pcr: imaPcr,
    },
  );

function unaccounted(imaLog: Uint8Array | undefined, quoted: Uint8Array): Finding {
  const what =
    imaLog === undefined
      ? 'is extended, and no IMA log was sent'
      : `is ${hex(quoted)}, which no part of the IMA log gives`;
  return fail('ima.replay', `PCR 10 ${what}`, { pcr: imaPcr });
}

const shrunk = (known: number) =>
  `the IMA log does not hold the ${known} entries that this boot had before: a PCR cannot forget`;
