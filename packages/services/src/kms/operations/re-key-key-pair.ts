import type { Attribute } from '@vouchsafe/kmip/attribute';
import { attributeValue } from '@vouchsafe/kmip/attribute';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { reKeyKeyPair as operation } from '@vouchsafe/kmip/operations/re-key-key-pair';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { halfOf } from '../content/content.ts';
import { curveOfKey } from '../crypto/transparent-ec.ts';
import type { ManagedObject } from '../managed-object.ts';
import { linked, withLink } from '../objects/links.ts';
import { madePair } from '../objects/made.ts';
import { checkReplaceable, replacementAttributes, withoutNames } from '../objects/replacement.ts';
import { type Asked, contentOf, subject } from './context.ts';
import { insertPair, said } from './create-key-pair.ts';

type Request = RequestOf<typeof operation>;

/** KMIP 1.4, 4.5. Both halves are replaced, and take over the names of the old ones. */
export async function reKeyKeyPair(request: Request, call: Asked): Promise<ResponseOf<typeof operation>> {
  const { privateKeyId, offset, common, privateKey, publicKey } = request;
  const oldPrivate = await half('Private Key', privateKeyId, call);
  const oldPublic = await half('Public Key', linked(oldPrivate, 'Public Key Link') ?? '', call);
  const asked = async (old: ManagedObject, own: Request['privateKey']) =>
    replacementAttributes(old, [...(await said(common, call)), ...(await said(own, call))], offset, call.now);
  const ofPrivate = await asked(oldPrivate, privateKey);
  const ofPublic = await asked(oldPublic, publicKey);
  const pair = await generated(oldPrivate, ofPrivate, call);
  for (const old of [oldPrivate, oldPublic]) await call.tx.update(withoutNames(old));
  const made = await insertPair(pair, { private: ofPrivate, public: ofPublic }, call);
  await replace(oldPrivate, made.privateKeyId, call);
  await replace(oldPublic, made.publicKeyId, call);
  call.placeholder = made.privateKeyId;
  return made;
}

async function half(type: 'Private Key' | 'Public Key', id: string | undefined, call: Asked): Promise<ManagedObject> {
  const old = await subject(id, call);
  if (old.type !== type) throw new OperationError('Illegal Operation', `a ${old.type} is no ${type}`);
  checkReplaceable(old);
  return old;
}

/** A pair of the same kind, on the same curve. */
async function generated(old: ManagedObject, asked: readonly Attribute[], call: Asked) {
  const key = halfOf('Private Key', await contentOf(old, call));
  const curve = key.asymmetricKeyType === 'ec' ? curveOfKey(key) : undefined;
  const algorithm = attributeValue(asked, 'Cryptographic Algorithm');
  const length = attributeValue(asked, 'Cryptographic Length');
  return await call.tx.once(`${algorithm} ${length} ${curve}`, () => madePair(algorithm, length, curve));
}

/** Links an old half and its replacement to each other. */
async function replace(old: ManagedObject, id: string, call: Asked): Promise<void> {
  await call.tx.update({ ...withLink(withoutNames(old), 'Replacement Object Link', id), changed: call.now });
  const made = await subject(id, call);
  await call.tx.update(withLink(made, 'Replaced Object Link', old.id));
}
