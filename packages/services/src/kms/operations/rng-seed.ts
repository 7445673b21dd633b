import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { rngSeed as operation } from '@vouchsafe/kmip/operations/rng-seed';

/**
 * KMIP 1.4, 4.36. The server's generator takes its seed from the kernel alone: nothing is taken of what clients give,
 * and the answer says so.
 */
export function rngSeed({ data }: RequestOf<typeof operation>): ResponseOf<typeof operation> {
  data[Symbol.dispose]();
  return { length: 0 };
}
