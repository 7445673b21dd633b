import { concat } from '@vouchsafe/bytes/hex';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { changesOf, changesText } from '@vouchsafe/eventlog/changes';
import { describe } from '@vouchsafe/eventlog/describe';
import { diffLogs } from '@vouchsafe/eventlog/diff';
import { EventLogError } from '@vouchsafe/eventlog/error';
import { parseSbatLevel } from '@vouchsafe/eventlog/facts/sbat';
import { inspectEventLog } from '@vouchsafe/eventlog/inspect';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { provenFacts } from '@vouchsafe/eventlog/proven';
import { replay } from '@vouchsafe/eventlog/replay';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog, buildSha1Log } from '@vouchsafe/eventlog/testing/build';
import { decodeDatabaseFile } from '@vouchsafe/eventlog/uefi/database-file';
import { encodeSignatureLists } from '@vouchsafe/eventlog/uefi/signature-list';
import { ofCorpus, ofRecordedBoots } from '../corpus.ts';
import { type MakeTargets, oneOfClasses, wordsOf } from '../target.ts';

const built = [buildLog(boot, ['sha256']), buildLog(boot, ['sha1', 'sha256', 'sha384']), buildSha1Log(boot)];

const digestEntry = (fill: number) => ({
  type: 'sha256',
  owner: '77fa9abd-0359-4d32-bd60-28f4e78f784b',
  data: new Uint8Array(32).fill(fill),
});
const signatures = encodeSignatureLists([[digestEntry(1), digestEntry(2)]]);

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
    {
      name: 'dbx-file',
      samples: [signatures, concat(Uint8Array.of(0x27, 0, 0, 0), signatures), ...ofCorpus('measured-boot', /^dbx-/)],
      words: [],
      run: (bytes) => decodeDatabaseFile(bytes),
      refuses: oneOfClasses(DecodeError),
    },
    {
      name: 'sbat',
      samples: [new Uint8Array(Buffer.from('sbat,1,2023012900\nshim,2\ngrub,3\ngrub.debian,4\n'))],
      words: wordsOf('\n', ',', 'sbat,1', 'shim,', '0', '9'),
      run: (bytes) => parseSbatLevel(bytes),
      refuses: oneOfClasses(DecodeError),
    },
  ];
};
