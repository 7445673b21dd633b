import type { hash as operation } from '@vouchsafe/kmip/operations/hash';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { digest } from '../crypto/hashes.ts';
import { given, refuseParts } from './context.ts';

/** KMIP 1.4, 4.37. */
export function hash(request: RequestOf<typeof operation>): ResponseOf<typeof operation> {
  refuseParts(request);
  return { data: digest(request.parameters.hash, given('Data', request.data)) };
}
