import { attributeValue } from '@vouchsafe/kmip/attribute';
import type { encrypt as operation } from '@vouchsafe/kmip/operations/encrypt';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { halfOf, secretOf } from '../content/content.ts';
import { encrypt as encryptBlocks } from '../crypto/block-cipher.ts';
import { rsaEncrypt } from '../crypto/rsa-cipher.ts';
import { checkUse, parametersFor } from '../usage.ts';
import { type Asked, contentOf, given, invalid, refuseParts, spend, subject, tokenOf } from './context.ts';

/** KMIP 1.4, 4.29: with an AES key, or an RSA public key. */
export async function encrypt(
  request: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  refuseParts(request);
  const data = given('Data', request.data);
  call.owned.use(data);
  const object = await subject(request.id, call);
  checkUse(object, 'Encrypt', call.now);
  const parameters = parametersFor(object, request.parameters);
  const { iv, additional } = request;
  const { id } = object;
  const tokenKeys = tokenOf(object, call);
  if (tokenKeys !== undefined) {
    requireAes(attributeValue(object.attributes, 'Cryptographic Algorithm'), parameters.algorithm);
    await spend(object, data.length, call);
    return {
      id,
      ...(await data.use((bytes) => tokenKeys.encrypt(object, { parameters, data: bytes, iv, additional }))),
    };
  }
  const content = await contentOf(object, call);
  await spend(object, data.length, call);
  if (content.type === 'Public Key') {
    if (iv !== undefined || additional !== undefined) throw invalid('IV/Counter/Nonce, Additional Data: not with RSA');
    return { id, data: data.use((bytes) => rsaEncrypt(halfOf('Public Key', content), parameters, bytes)) };
  }
  requireAes(attributeValue(object.attributes, 'Cryptographic Algorithm'), parameters.algorithm);
  return { id, ...data.use((bytes) => encryptBlocks(secretOf(content), { parameters, data: bytes, iv, additional })) };
}

/** The key is one of AES, and nobody asks for anything else. @throws {OperationError} */
export function requireAes(own: string | undefined, asked: string | undefined): void {
  if (own !== 'AES' || (asked ?? 'AES') !== 'AES')
    throw invalid(`Cryptographic Algorithm: ${asked ?? own ?? 'missing'}, expected AES or RSA`);
}
