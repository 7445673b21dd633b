import { DecodeError } from '@vouchsafe/bytes/reader';
import { changesOf, changesText } from '@vouchsafe/eventlog/changes';
import { describe } from '@vouchsafe/eventlog/describe';
import { diffLogs } from '@vouchsafe/eventlog/diff';
import { EventLogError } from '@vouchsafe/eventlog/error';
import { inspectEventLog } from '@vouchsafe/eventlog/inspect';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { provenFacts } from '@vouchsafe/eventlog/proven';
import { replay } from '@vouchsafe/eventlog/replay';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog, buildSha1Log } from '@vouchsafe/eventlog/testing/build';
import { ofCorpus, ofRecordedBoots } from '../corpus.ts';
import { type MakeTargets, oneOfClasses, wordsOf } from '../target.ts';

const built = [buildLog(boot, ['sha256']), buildLog(boot, ['sha1', 'sha256', 'sha384']), buildSha1Log(boot)];

/** TCG event logs: decoded, replayed, what they prove, described, compared. */
export const make: MakeTargets = () => {
  const golden = decodeLog(built[0]!);
  const goldenFacts = provenFacts(golden, 'sha256');
  return [
    {
      name: 'eventlog',
      samples: [...built, ...built, ...ofRecordedBoots('binary_bios_measurements'), ...ofCorpus('eventlogs', /\.bin$/)],
      words: wordsOf('Spec ID Event03\0', 'StartupLocality\0', 'SP800-155 Event\0', 'Exit Boot Services Invocation'),
      run(bytes) {
        inspectEventLog(bytes);
        const log = decodeLog(bytes);
        for (const bank of log.banks) {
          replay(log, bank);
          const facts = provenFacts(log, bank, { commandLines: ['root=/dev/vda'] });
          changesText(changesOf(goldenFacts, facts));
          for (const event of log.events) describe(event, bank);
          if (golden.banks.includes(bank)) diffLogs(golden, log, bank);
        }
      },
      refuses: oneOfClasses(DecodeError, EventLogError),
    },
  ];
};
