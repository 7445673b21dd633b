import type { create as operation } from '@vouchsafe/kmip/operations/create';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { newKey } from '../objects/new-key.ts';
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
  const { id } = await insertNew({ ...(await newKey(asked, call)), asked, made: true }, call);
  call.placeholder = id;
  return { objectType, id };
}
