import { partSealer, type SealChoice } from '../part-key.ts';

/** Started by a test: moves the key of a part, and kills itself at a step. */
const [file = '', seal = 'tpm', tpm = '', step = ''] = process.argv.slice(2);
await partSealer(
  { file, sealed: `${file}.tpm` },
  { seal: seal as SealChoice['seal'], tpm },
  (reached) => void (reached === step && process.kill(process.pid, 'SIGKILL')),
);
