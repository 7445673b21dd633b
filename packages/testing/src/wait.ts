import { setTimeout as sleep } from 'node:timers/promises';
import { TestingError } from './error.ts';

/**
 * Asks again and again until there is an answer.
 * @param what what is waited for, for the message
 * @param ask returns undefined for "not yet"; what it throws ends the wait
 * @throws {TestingError} `not-ready` after `ms` milliseconds
 */
export async function until<T>(
  what: string,
  ms: number,
  ask: () => Promise<T | undefined> | T | undefined,
  everyMs = 25,
): Promise<T> {
  const end = performance.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new TestingError('not-ready', `${what}: nothing after ${ms} ms`);
    await sleep(everyMs);
  }
}
