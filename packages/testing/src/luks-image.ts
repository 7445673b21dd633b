import { run } from './command.ts';
import { TestingError } from './error.ts';

/**
 * Makes an empty encrypted image of 8 MiB with QEMU. On a busy machine QEMU now and then cannot time its key
 * derivation and gives up; then it is asked again.
 * @throws {TestingError} `command-failed`
 */
export async function makeLuksImage(path: string, passphrase: string | Uint8Array): Promise<string> {
  const options = ['--object', 'secret,id=s,file=/dev/stdin', '-o', 'key-secret=s,iter-time=10'];
  for (let tries = 1; ; tries++) {
    const { code, stderr } = await run(['qemu-img', 'create', '-q', '-f', 'luks', ...options, path, '8M'], {
      input: passphrase,
    });
    if (code === 0) return path;
    if (tries === 5 || !stderr.includes('CPU usage'))
      throw new TestingError('command-failed', `qemu-img: ${stderr.trim()}`);
  }
}
