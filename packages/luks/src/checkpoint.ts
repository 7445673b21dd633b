import { fdatasync } from 'node:fs';
import { promisify } from 'node:util';

/** The end of the chunks done without a gap: what may be called done when chunks come in any order. */
export class Contiguous {
  readonly #ahead = new Set<number>();
  #end: number;

  constructor(first: number) {
    this.#end = first;
  }

  get end(): number {
    return this.#end;
  }

  add(chunk: number): void {
    this.#ahead.add(chunk);
    while (this.#ahead.delete(this.#end)) this.#end++;
  }
}

const sync = promisify(fdatasync);

/**
 * Saves progress while the work goes on: what was written before is synchronised first, so that a saved mark never
 * promises more than the disk holds.
 */
export class Checkpoints {
  readonly #file: number;
  readonly #every: number;
  readonly #save: (done: number) => void;
  #saved: number;
  #running: Promise<void> | undefined;
  #failed: { readonly error: unknown } | undefined;

  /** @param every bytes between two checkpoints, at least */
  constructor(file: number, every: number, from: number, save: (done: number) => void) {
    this.#file = file;
    this.#every = every;
    this.#saved = from;
    this.#save = save;
  }

  /** Starts a checkpoint when enough was done since the last. @throws what the last one failed with */
  advance(done: number): void {
    this.#check();
    if (this.#running === undefined && done - this.#saved >= this.#every) this.#running = this.#run(done);
  }

  /** The last checkpoint: `done` is saved when this returns. */
  async finish(done: number): Promise<void> {
    await this.#running;
    this.#check();
    await this.#run(done);
    this.#check();
  }

  #check(): void {
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  async #run(done: number): Promise<void> {
    try {
      await sync(this.#file);
      this.#save(done);
      this.#saved = done;
    } catch (error) {
      this.#failed = { error };
    } finally {
      this.#running = undefined;
    }
  }
}
