import { DecodeError } from '@vouchsafe/bytes/reader';
import { EventLogError } from '@vouchsafe/eventlog/error';
import { decodeImaText } from '@vouchsafe/eventlog/ima/ascii';
import { decodeImaLog, type ImaEntry } from '@vouchsafe/eventlog/ima/log';
import { checkTemplateHashes, matchImaPrefix, replayIma } from '@vouchsafe/eventlog/ima/replay';
import { imaTail } from '@vouchsafe/eventlog/ima/tail';
import { inspectIma } from '@vouchsafe/eventlog/inspect';
import { buildIma, buildImaText, type ImaInput } from '@vouchsafe/eventlog/testing/ima';
import { ofCorpus, ofRecordedBoots } from '../corpus.ts';
import { type MakeTargets, oneOfClasses, wordsOf } from '../target.ts';

const digest = new Uint8Array(32).fill(7);
const inputs: readonly ImaInput[] = [
  { template: 'ima', digest: digest.slice(0, 20), name: 'boot_aggregate' },
  { template: 'ima-ng', digest, name: '/usr/bin/true' },
  { template: 'ima-sig', digest, name: '/usr/bin/false', signature: Uint8Array.of(3, 2, 4, 0, 0) },
  { template: 'ima-buf', digest, name: 'kexec-cmdline', buffer: new Uint8Array(12).fill(65) },
  { template: 'ima-modsig', digest, name: '/m.ko', signature: new Uint8Array(), modsig: Uint8Array.of(48, 130) },
  { template: 'd-ng|n-ng|sig', digest, name: '/custom', signature: new Uint8Array() },
  { template: 'ima-ng', digest: new Uint8Array(32), name: '/var/log/open', violation: true },
];
const words = wordsOf('ima-ng', 'ima-sig', 'evm-sig', 'd-ngv2|n-ng|sig', 'sha256:', 'verity:sha256:', '\n', ' ', '\0');
const refuses = oneOfClasses(DecodeError, EventLogError);

function use(entries: readonly ImaEntry[]): void {
  replayIma(entries, 'sha256');
  matchImaPrefix(entries, 'sha256', digest);
  checkTemplateHashes(entries);
}

/** IMA logs in both forms: decoded, replayed, searched for a quoted beginning, shown. */
export const make: MakeTargets = () => [
  {
    name: 'ima-binary',
    samples: [
      buildIma(inputs),
      ...ofRecordedBoots('binary_runtime_measurements'),
      ...ofCorpus('measured-boot', /binary_runtime_measurements$/),
    ],
    words,
    run(bytes) {
      use(decodeImaLog(bytes));
      inspectIma(bytes);
      imaTail(bytes, 3);
    },
    refuses,
  },
  {
    name: 'ima-text',
    samples: [
      buildImaText(inputs),
      ...ofRecordedBoots('ascii_runtime_measurements'),
      ...ofCorpus('measured-boot', /ascii_runtime_measurements$/),
    ],
    words,
    run(bytes) {
      use(decodeImaText(bytes));
      inspectIma(bytes);
    },
    refuses,
  },
];
