import type { HostPart } from '../config/paths.ts';
import type { GroupRegister, Known } from './group-register.ts';

/**
 * Which version of the group's state each part of this host obeys. A part that asks for what comes after a version has
 * taken that version in, so its next question is its acknowledgement.
 */
export class Followers {
  readonly #register: GroupRegister;
  readonly #obeyed = new Map<HostPart, number>();
  readonly #waiting = new Set<() => void>();

  constructor(register: GroupRegister) {
    this.#register = register;
  }

  /** A part asks for news. */
  asked(part: HostPart, known: Known | undefined): void {
    if (known?.instance !== this.#register.instance) return;
    this.#obeyed.set(part, known.version);
    for (const wake of [...this.#waiting]) wake();
  }

  /** Waits until all parts obey a version; gives those that do not after `ms` milliseconds. */
  async obeying(parts: readonly HostPart[], version: number, ms: number): Promise<HostPart[]> {
    const behind = () => parts.filter((part) => (this.#obeyed.get(part) ?? 0) < version);
    const end = performance.now() + ms;
    while (behind().length > 0 && performance.now() < end) await this.#next(end - performance.now());
    return behind();
  }

  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.max(1, ms));
      this.#waiting.add(done);
    });
  }
}
