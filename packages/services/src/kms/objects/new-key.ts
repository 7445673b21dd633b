import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { wipeObject } from '@vouchsafe/kmip/managed-object';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { type Asked, given, newId } from '../operations/context.ts';
import { tokenAttributes } from '../token-keys.ts';
import { madeSymmetricKey } from './made.ts';
import type { NewObject } from './new-object.ts';

/**
 * A symmetric key that was just made: here, or in the token, which alone has it then. It is wiped when the message was
 * answered; in the token it goes when the operation does not stay.
 * @throws {OperationError}
 */
export async function newKey(
  asked: readonly Attribute[],
  call: Asked,
): Promise<Pick<NewObject, 'id' | 'content'> & Required<Pick<NewObject, 'derived'>>> {
  const algorithm = attributeValue(asked, 'Cryptographic Algorithm');
  const length = attributeValue(asked, 'Cryptographic Length');
  if (call.tx.tokenKeys?.takes(asked) === true)
    return await inToken(
      asked,
      given('Cryptographic Algorithm', algorithm),
      given('Cryptographic Length', length),
      call,
    );
  const content = madeSymmetricKey(algorithm, length);
  call.owned.defer(() => wipeObject(content));
  return { content, derived: [] };
}

type Algorithm = NonNullable<ReturnType<typeof attributeValue<'Cryptographic Algorithm'>>>;

async function inToken(asked: readonly Attribute[], algorithm: Algorithm, length: number, call: Asked) {
  const tokenKeys = call.tx.tokenKeys!;
  if (attributeValue(asked, 'Sensitive') === false)
    throw new OperationError('Invalid Field', 'Sensitive: a key that never leaves the token is sensitive');
  const { scope } = call.client;
  const id = await call.tx.once(
    `${algorithm} ${length}`,
    async () => {
      const made = newId();
      await tokenKeys.make({ id: made, scope }, algorithm, length);
      return made;
    },
    (made) => tokenKeys.destroy({ id: made, scope }),
  );
  const content = { type: 'Symmetric Key', block: { format: 'Raw', algorithm, length } } as const;
  return { id, content, derived: tokenAttributes() };
}
