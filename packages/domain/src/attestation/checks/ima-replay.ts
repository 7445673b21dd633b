import { hex } from '@vouchsafe/bytes/hex';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { matchImaPrefix } from '@vouchsafe/eventlog/ima/replay';
import type { Check } from '../appraisal.ts';
import { fail } from '../verdict.ts';

const imaPcr = 10;

/** Stops an IMA log that is not the one of PCR 10. Entries that were added after the quote are no failure. */
export const imaReplay: Check = {
  id: 'ima.replay',
  stops: 'a shortened or changed IMA log',
  run(appraisal) {
    const { imaLog } = appraisal.input.evidence;
    const value = appraisal.get('pcrs').get(imaPcr);
    if (value === undefined) return [fail(this.id, 'PCR 10 is not quoted', { pcr: imaPcr })];
    if (value.every((byte) => byte === 0) || appraisal.get('log').events.some((event) => event.pcr === imaPcr))
      return [];
    if (imaLog === undefined) return [fail(this.id, 'PCR 10 is extended, and no IMA log was sent', { pcr: imaPcr })];
    const covered = matchImaPrefix(decodeImaLog(imaLog), appraisal.input.challenge.bank, value);
    return covered === undefined
      ? [fail(this.id, `no part of the IMA log gives PCR 10 = ${hex(value)}`, { pcr: imaPcr })]
      : [];
  },
};
