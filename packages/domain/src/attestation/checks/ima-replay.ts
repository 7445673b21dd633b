import { hex } from '@vouchsafe/bytes/hex';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { matchImaPrefix } from '@vouchsafe/eventlog/ima/replay';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

const imaPcr = 10;

/** Stops an IMA log that is not the one of PCR 10. Entries that were added after the quote are no failure. */
export const imaReplay: Check = {
  id: 'ima.replay',
  run(appraisal) {
    const { imaLog } = appraisal.input.evidence;
    const value = appraisal.get('pcrs').get(imaPcr);
    if (value === undefined) return [fail(this.id, 'PCR 10 is not quoted', { pcr: imaPcr })];
    const { bank } = appraisal.input.challenge;
    // Firmware may have extended PCR 10 before; an event that was logged but not extended must not hide the IMA log.
    const initial = appraisal.get('replayed');
    const entries = imaLog === undefined ? [] : decodeImaLog(imaLog);
    if (matchImaPrefix(entries, bank, value, { initial }) !== undefined) return [];
    const what =
      imaLog === undefined
        ? 'is extended, and no IMA log was sent'
        : `is ${hex(value)}, which no part of the IMA log gives`;
    return [fail(this.id, `PCR 10 ${what}`, { pcr: imaPcr })];
  },
};
