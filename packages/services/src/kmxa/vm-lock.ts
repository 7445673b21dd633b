import { Problem } from '@vouchsafe/domain/problem';

/** One thing at a time for each VM: a start and an encryption of the same VM must not meet. */
export class VmLocks {
  readonly #held = new Map<string, string>();

  /**
   * Runs `work` as the only one for this VM.
   * @throws {Problem} `server.busy` when another is under way
   */
  async alone<T>(vm: string, what: string, work: () => Promise<T>): Promise<T> {
    const other = this.#held.get(vm);
    if (other !== undefined) throw new Problem('server.busy', `VM ${vm}: ${other} is under way`);
    this.#held.set(vm, what);
    try {
      return await work();
    } finally {
      this.#held.delete(vm);
    }
  }
}
