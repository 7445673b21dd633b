import { attributeValue } from '@vouchsafe/kmip/attribute';
import type { CryptographicParameters } from '@vouchsafe/kmip/cryptographic-parameters';
import type { mac as operation } from '@vouchsafe/kmip/operations/mac';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { secretOf } from '../content/content.ts';
import { hmac, hmacHash } from '../crypto/hashes.ts';
import type { ManagedObject } from '../managed-object.ts';
import { checkUse, parametersFor } from '../usage.ts';
import { type Asked, contentOf, given, refuseParts, spend, subject, tokenOf } from './context.ts';

/** KMIP 1.4, 4.33: HMAC. */
export async function mac(request: RequestOf<typeof operation>, call: Asked): Promise<ResponseOf<typeof operation>> {
  refuseParts(request);
  const data = given('Data', request.data);
  const object = await subject(request.id, call);
  checkUse(object, 'MAC Generate', call.now);
  await spend(object, data.length, call);
  return { id: object.id, mac: await macOf(object, request.parameters, data, call) };
}

/** The HMAC of data. Which one, say the parameters, or the algorithm of the key. @throws {OperationError} */
export async function macOf(
  object: ManagedObject,
  asked: CryptographicParameters | undefined,
  data: Uint8Array,
  call: Asked,
): Promise<Buffer> {
  const { algorithm } = parametersFor(object, asked);
  const name = algorithm ?? attributeValue(object.attributes, 'Cryptographic Algorithm');
  const tokenKeys = tokenOf(object, call);
  if (tokenKeys !== undefined) return await tokenKeys.mac(object, hmacHash(name), data);
  return hmac(hmacHash(name), secretOf(await contentOf(object, call)), data);
}
