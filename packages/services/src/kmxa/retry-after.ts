import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@vouchsafe/domain/problem';

/** Seconds that a busy service asks to wait (Retry-After, RFC 9110, 10.2.3); undefined for all other errors. */
export function retryAfterOf(error: unknown): number | undefined {
  if (!(error instanceof Problem) || error.kind !== 'server.busy') return undefined;
  const { retry_after } = error.data;
  return typeof retry_after === 'number' && retry_after >= 0 ? retry_after : 1;
}

/**
 * Repeats a request for as long as the service is busy and says when to come back.
 * @param patience seconds that may be spent with waiting; who would have to wait longer gives up at once
 * @throws {Problem} as `request`
 */
export async function whileBusy<T>(patience: number, request: () => Promise<T>): Promise<T> {
  for (let left = patience; ; ) {
    try {
      return await request();
    } catch (error) {
      const wait = retryAfterOf(error);
      // Some of a second more, so that those who were sent away together do not come back together.
      const seconds = (wait ?? 0) + Math.random();
      if (wait === undefined || seconds > left) throw error;
      left -= seconds;
      await sleep(seconds * 1000);
    }
  }
}
