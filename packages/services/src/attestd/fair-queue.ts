/**
 * A queue that is shared fairly by sources: they are served in turn, and where there is no room the source that has most
 * in it gives up what it added last.
 */
export class FairQueue<T> {
  readonly #limit: number;
  /** By source; the source whose turn it is stands first. */
  readonly #sources = new Map<string, T[]>();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether something of this source would stay. */
  hasRoomFor(source: string): boolean {
    return this.#size < this.#limit || this.#greediest(source) !== source;
  }

  /** @returns what had to give way: another source's last one, or the new one itself */
  add(source: string, item: T): T | undefined {
    const greedy = this.#size < this.#limit ? undefined : this.#greediest(source);
    if (greedy === source) return item;
    const own = this.#sources.get(source);
    if (own === undefined) this.#sources.set(source, [item]);
    else own.push(item);
    this.#size++;
    return greedy === undefined ? undefined : this.#drop(greedy);
  }

  /** The oldest of the source whose turn it is; undefined when the queue is empty. */
  take(): T | undefined {
    const [first] = this.#sources;
    if (first === undefined) return undefined;
    const [source, items] = first;
    const item = items.shift();
    this.#sources.delete(source);
    if (items.length > 0) this.#sources.set(source, items);
    this.#size--;
    return item;
  }

  #drop(source: string): T | undefined {
    const items = this.#sources.get(source);
    const item = items?.pop();
    if (items?.length === 0) this.#sources.delete(source);
    this.#size--;
    return item;
  }

  /** The source that would have most in the queue with one more of `newcomer`; of equals the newcomer. */
  #greediest(newcomer: string): string {
    let [greediest, most] = [newcomer, (this.#sources.get(newcomer)?.length ?? 0) + 1];
    for (const [source, { length }] of this.#sources) if (length > most) [greediest, most] = [source, length];
    return greediest;
  }
}
