import { flushContext } from './commands/flush-context.ts';
import { checkName, type TpmObject } from './commands/read-public.ts';
import type { Tpm } from './tpm.ts';

/** An object in one of the TPM's few slots (three without resource manager): `await using` gives the slot back. */
export class TransientObject implements TpmObject, AsyncDisposable {
  readonly handle: number;
  readonly name: Uint8Array;
  readonly publicArea: Uint8Array;
  readonly #tpm: Tpm;
  #gone = false;

  private constructor(tpm: Tpm, { handle, name, publicArea }: TpmObject) {
    this.#tpm = tpm;
    this.handle = handle;
    this.name = name;
    this.publicArea = publicArea;
  }

  /**
   * Takes the object over that a command has made.
   * @throws {TpmError} `answer` when the TPM names it otherwise than its public area does; it is flushed then
   */
  static async own(tpm: Tpm, made: TpmObject): Promise<TransientObject> {
    const object = new TransientObject(tpm, made);
    try {
      checkName(made.publicArea, made.name);
    } catch (error) {
      await object[Symbol.asyncDispose]();
      throw error;
    }
    return object;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#gone) return;
    this.#gone = true;
    await flushContext(this.#tpm, this.handle);
  }
}
