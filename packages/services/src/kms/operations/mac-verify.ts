import { timingSafeEqual } from 'node:crypto';
import type { macVerify as operation } from '@vouchsafe/kmip/operations/mac-verify';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { checkUse } from '../usage.ts';
import { type Asked, given, refuseParts, subject } from './context.ts';
import { macOf } from './mac.ts';

/** KMIP 1.4, 4.34. A MAC that does not hold is an answer, not an error. */
export async function macVerify(
  request: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  refuseParts(request);
  const data = given('Data', request.data);
  const claimed = given('MAC Data', request.mac);
  const object = await subject(request.id, call);
  checkUse(object, 'MAC Verify', call.now);
  const mac = await macOf(object, request.parameters, data, call);
  const valid = mac.length === claimed.length && timingSafeEqual(mac, claimed);
  return { id: object.id, validity: valid ? 'Valid' : 'Invalid' };
}
