import { kmsLayout } from '../../layout.ts';
import type { RootKeyChoice } from '../envelope.ts';
import { setRootKey } from '../set-root-key.ts';

/** Started by a test: chooses another root key, and kills itself at a step. */
const [dataDir = '', choice = '', step = ''] = process.argv.slice(2);
await setRootKey(kmsLayout(dataDir), JSON.parse(choice) as RootKeyChoice, {
  reached: (reached) => void (reached === step && process.kill(process.pid, 'SIGKILL')),
});
