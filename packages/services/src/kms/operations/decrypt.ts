import { Secret } from '@vouchsafe/bytes/secret';
import { attributeValue } from '@vouchsafe/kmip/attribute';
import type { decrypt as operation } from '@vouchsafe/kmip/operations/decrypt';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { halfOf, secretOf } from '../content/content.ts';
import { decrypt as decryptBlocks } from '../crypto/block-cipher.ts';
import { rsaDecrypt } from '../crypto/rsa-cipher.ts';
import { checkUse, parametersFor } from '../usage.ts';
import { type Asked, contentOf, given, invalid, refuseParts, subject, tokenOf } from './context.ts';
import { requireAes } from './encrypt.ts';

/** KMIP 1.4, 4.30: with an AES key, or an RSA private key. */
export async function decrypt(
  request: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  refuseParts(request);
  const { iv, additional, tag } = request;
  const data = given('Data', request.data);
  const object = await subject(request.id, call);
  checkUse(object, 'Decrypt', call.now);
  const parameters = parametersFor(object, request.parameters);
  const tokenKeys = tokenOf(object, call);
  if (tokenKeys !== undefined) {
    requireAes(attributeValue(object.attributes, 'Cryptographic Algorithm'), parameters.algorithm);
    const opened = await tokenKeys.decrypt(object, { parameters, data, iv, additional, tag });
    return { id: object.id, data: call.owned.use(opened) };
  }
  const content = await contentOf(object, call);
  let plain: Buffer;
  if (content.type === 'Private Key') {
    if ((iv ?? additional ?? tag) !== undefined) throw invalid('IV/Counter/Nonce, Additional Data, Tag: not with RSA');
    plain = rsaDecrypt(halfOf('Private Key', content), parameters, data);
  } else {
    requireAes(attributeValue(object.attributes, 'Cryptographic Algorithm'), parameters.algorithm);
    plain = decryptBlocks(secretOf(content), { parameters, data, iv, additional, tag });
  }
  return { id: object.id, data: call.owned.use(Secret.take(plain)) };
}
