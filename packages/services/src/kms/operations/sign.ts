import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { sign as operation } from '@vouchsafe/kmip/operations/sign';
import { halfOf } from '../content/content.ts';
import { sign as signData } from '../crypto/signature.ts';
import { checkUse, parametersFor } from '../usage.ts';
import { type Asked, contentOf, given, notSupported, refuseParts, spend, subject } from './context.ts';

/** KMIP 1.4, 4.31: with an RSA or EC private key, of data; the server computes the digest. */
export async function sign(request: RequestOf<typeof operation>, call: Asked): Promise<ResponseOf<typeof operation>> {
  refuseParts(request);
  if (request.digest !== undefined) throw notSupported('Digested Data: hand in the data');
  const data = given('Data', request.data);
  const object = await subject(request.id, call);
  checkUse(object, 'Sign', call.now);
  const key = halfOf('Private Key', await contentOf(object, call));
  await spend(object, data.length, call);
  return { id: object.id, signature: signData(key, parametersFor(object, request.parameters), data) };
}
