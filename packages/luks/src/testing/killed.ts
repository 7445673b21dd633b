import { encryptImage } from '../encrypt.ts';
import type { OldImage } from '../task.ts';
import { sampleOptions } from './images.ts';

/**
 * Encrypts an image in place and kills itself on the way, or waits there for being killed.
 * Arguments: image, what becomes of the old one, workers, moment (a step's name or `chunk-N`), `kill` or `wait`.
 */
const [image, replace, workers, moment, how] = process.argv.slice(2) as [string, OldImage, string, string, string];

function reached(now: string): void {
  if (now !== moment) return;
  if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  process.stdout.write('waiting\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

let chunks = 0;
await encryptImage({
  ...sampleOptions(image, { replace }),
  workers: Number(workers),
  checkpoint: 1 << 20,
  onStep: reached,
  onProgress: () => reached(`chunk-${++chunks}`),
});
