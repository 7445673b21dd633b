import { randomBytes } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { rngRetrieve as operation } from '@vouchsafe/kmip/operations/rng-retrieve';
import { type Asked, invalid } from './context.ts';

const most = 65_536;

/** KMIP 1.4, 4.35. */
export function rngRetrieve({ length }: RequestOf<typeof operation>, call: Asked): ResponseOf<typeof operation> {
  if (length < 1 || length > most) throw invalid(`Data Length: ${length}, expected 1 to ${most}`);
  return { data: call.owned.use(Secret.take(randomBytes(length))) };
}
