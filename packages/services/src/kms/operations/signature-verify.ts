import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { signatureVerify as operation } from '@vouchsafe/kmip/operations/signature-verify';
import { halfOf } from '../content/content.ts';
import { verify } from '../crypto/signature.ts';
import { checkUse, parametersFor } from '../usage.ts';
import { type Asked, contentOf, given, notSupported, refuseParts, subject } from './context.ts';

/** KMIP 1.4, 4.32: with an RSA or EC public key. A signature that does not hold is an answer, not an error. */
export async function signatureVerify(
  request: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  refuseParts(request);
  if (request.digest !== undefined) throw notSupported('Digested Data: hand in the data');
  const data = given('Data', request.data);
  const signature = given('Signature Data', request.signature);
  const object = await subject(request.id, call);
  checkUse(object, 'Verify', call.now);
  const key = halfOf('Public Key', await contentOf(object, call));
  const valid = verify(key, parametersFor(object, request.parameters), data, signature);
  return { id: object.id, validity: valid ? 'Valid' : 'Invalid' };
}
