import { type Argv, must, run } from './command.ts';

/** QEMU measures how fast it hashes before it writes a header, and gives up where others take its processor time. */
const busy = /Unable to get accurate CPU usage/;

/**
 * Makes a LUKS image of a plain one with QEMU's own means, its volume key chosen by QEMU.
 * @param passphrase UTF-8 text, QEMU refuses other bytes
 * @throws {TestingError} `command-failed`
 */
export async function encryptWithQemu(plain: string, luks: string, passphrase: Uint8Array): Promise<void> {
  const argv: Argv = [
    ...(['qemu-img', 'convert', '-O', 'luks', '--object', 'secret,id=s,file=/dev/stdin'] as const),
    ...['-o', 'key-secret=s,iter-time=10', plain, luks],
  ];
  for (let attempt = 1; attempt < 10; attempt++) {
    const { code, stderr } = await run(argv, { input: passphrase });
    if (code === 0) return;
    if (!busy.test(stderr)) break;
  }
  await must(argv, { input: passphrase });
}
