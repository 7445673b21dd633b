import { type FileHandle, open } from 'node:fs/promises';
import { copy } from '@vouchsafe/bytes/hex';
import { TpmError } from '../error.ts';
import { largestMessage, type TpmTransport } from './transport.ts';

/** What a character device needs to be able to do; `FileHandle` can. */
export type DeviceFile = Pick<FileHandle, 'write' | 'read' | 'close'>;

/**
 * A TPM behind a character device: `/dev/tpmrm0` (the kernel's resource manager) or `/dev/tpm0`.
 *
 * The driver takes a command in one write, which lasts as long as the TPM computes, and hands out the response in one
 * read (Linux, drivers/char/tpm/tpm-dev-common.c).
 */
export class DeviceTransport implements TpmTransport {
  readonly #file: DeviceFile;
  readonly #path: string;

  constructor(file: DeviceFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** @throws {TpmError} `transport` when the device cannot be opened */
  static async open(path = '/dev/tpmrm0'): Promise<DeviceTransport> {
    try {
      return new DeviceTransport(await open(path, 'r+'), path);
    } catch (cause) {
      throw new TpmError('transport', `${path} cannot be opened: ${adviceFor(cause)}`, { cause });
    }
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    try {
      const { bytesWritten } = await this.#file.write(command, 0, command.length, null);
      if (bytesWritten !== command.length) throw new Error(`${bytesWritten} of ${command.length} bytes were written`);
      const buffer = new Uint8Array(largestMessage);
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, null);
      return copy(buffer.subarray(0, bytesRead));
    } catch (cause) {
      throw new TpmError('transport', `${this.#path} does not answer: ${(cause as Error).message}`, { cause });
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const advice: Record<string, string> = {
  ENOENT: 'there is no TPM 2.0, enable it in the firmware',
  EACCES: 'the user may not use it, add it to the group of the device (tss)',
  EBUSY: 'another program holds it, use /dev/tpmrm0',
};
const adviceFor = (cause: unknown) => advice[(cause as NodeJS.ErrnoException).code ?? ''] ?? (cause as Error).message;
