import type { Readable } from 'node:stream';
import { Problem } from '@vouchsafe/domain/problem';

/**
 * Memory for request bodies that are still coming in, all connections together. Nobody has proved anything yet while a
 * body arrives, so a few slow connections could otherwise fill the memory of the process. Where there is no room left,
 * the largest body gives way: it is the attacker's, or that of who can best try again.
 */
export class BodyBudget {
  readonly #limit: number;
  readonly #held = new Map<Readable, number>();
  #sum = 0;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Counts what a body brings until it is released; its connection ends when it has to give way.
   * @param limit bytes that this body may have, where less is known than its length
   */
  watch(body: Readable, limit = Number.POSITIVE_INFINITY): void {
    this.#held.set(body, 0);
    body.on('data', (chunk: Uint8Array | string) => this.#add(body, chunk.length, limit));
  }

  /** The request was answered, or its caller is gone. */
  release(body: Readable): void {
    this.#sum -= this.#held.get(body) ?? 0;
    this.#held.delete(body);
  }

  #add(body: Readable, bytes: number, limit: number): void {
    const held = this.#held.get(body);
    if (held === undefined) return;
    if (held + bytes > limit) {
      this.release(body);
      body.destroy(new Problem('input.too-large', `the request body is larger than the ${limit} bytes that are read`));
      return;
    }
    this.#held.set(body, held + bytes);
    this.#sum += bytes;
    if (this.#sum > this.#limit) this.#makeRoom();
  }

  #makeRoom(): void {
    let largest: Readable | undefined;
    for (const [body, held] of this.#held) {
      if (largest === undefined || held > (this.#held.get(largest) ?? 0)) largest = body;
    }
    if (largest === undefined) return;
    this.release(largest);
    largest.destroy(new Problem('server.busy', 'too many large requests at once'));
  }
}
