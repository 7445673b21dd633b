import type { Check } from '../appraisal.ts';
import { bootAggregateOf } from '../ima/boot-aggregate.ts';
import { imaPcr } from '../ima/progress.ts';
import { fail, info } from '../verdict.ts';

/** Stops the IMA log of a kernel that was not started by this boot: its first entry names the values of PCR 0 to 9. */
export const imaBootAggregate: Check = {
  id: 'ima.boot-aggregate',
  run(appraisal) {
    if (!appraisal.has('ima')) return [];
    const { entries, covered, proven } = appraisal.get('ima');
    // A log that is continued has its first entry behind it, and one without entries is judged by the image's lists.
    if (entries > covered || proven.length === 0) return [];
    // IMA took the values when the log ended; the running system may have extended them since.
    const values = new Map([...appraisal.get('pcrs'), ...appraisal.get('replayed')]);
    const found = bootAggregateOf(proven[0], appraisal.input.challenge.bank, values);
    if (found.state === 'right' || found.state === 'unquoted') return [];
    if (found.state === 'bank')
      return [info('ima.boot-aggregate', `boot_aggregate is of the ${found.algorithm} bank, which is not quoted`)];
    const detail =
      found.state === 'missing'
        ? 'the IMA log does not begin with boot_aggregate'
        : 'boot_aggregate is not the hash of the quoted PCRs 0 to 9';
    return [fail('ima.boot-aggregate', detail, { pcr: imaPcr })];
  },
};
