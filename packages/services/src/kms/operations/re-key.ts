import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { reKey as operation } from '@vouchsafe/kmip/operations/re-key';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { link, withLink } from '../objects/links.ts';
import { newKey } from '../objects/new-key.ts';
import { insertNew } from '../objects/new-object.ts';
import { checkReplaceable, replacementAttributes, withoutNames } from '../objects/replacement.ts';
import { isInToken } from '../token-keys.ts';
import { type Asked, subject } from './context.ts';
import { said } from './create-key-pair.ts';

/** KMIP 1.4, 4.4. The new key takes over the names of the old one. */
export async function reKey(
  { id, offset, template }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const old = await subject(id, call);
  checkReplaceable(old);
  if (old.type !== 'Symmetric Key')
    throw new OperationError('Illegal Operation', `a ${old.type} is not replaced by Re-key`);
  const asked = replacementAttributes(old, await said(template, call), offset, call.now);
  if (isInToken(old) && call.tx.tokenKeys === undefined)
    throw new OperationError('Illegal Operation', 'the key is in a token that this server does not have');
  const key = await newKey(asked, call);
  await call.tx.update(withoutNames(old));
  const derived = [link('Replaced Object Link', old.id)];
  const made = await insertNew({ ...key, asked, derived: [...derived, ...key.derived], made: true }, call);
  await call.tx.update({ ...withLink(withoutNames(old), 'Replacement Object Link', made.id), changed: call.now });
  call.placeholder = made.id;
  return { id: made.id };
}
