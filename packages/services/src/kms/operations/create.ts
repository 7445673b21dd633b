import { attributeValue } from '@vouchsafe/kmip/attribute';
import { wipeObject } from '@vouchsafe/kmip/managed-object';
import type { create as operation } from '@vouchsafe/kmip/operations/create';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { madeSymmetricKey } from '../objects/made.ts';
import { insertNew } from '../objects/new-object.ts';
import { attributesAsked } from '../objects/templates.ts';
import { type Asked, checkMask, invalid } from './context.ts';

/** KMIP 1.4, 4.1. */
export async function create(
  { objectType, template }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  if (objectType !== 'Symmetric Key') throw invalid(`Object Type: ${objectType} cannot be created`);
  const asked = await attributesAsked(template, call);
  checkMask(asked);
  const algorithm = attributeValue(asked, 'Cryptographic Algorithm');
  const content = madeSymmetricKey(algorithm, attributeValue(asked, 'Cryptographic Length'));
  call.owned.defer(() => wipeObject(content));
  const { id } = await insertNew({ content, asked, made: true }, call);
  call.placeholder = id;
  return { objectType, id };
}
