import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { type ManagedObject as Content, wipeObject } from '@vouchsafe/kmip/managed-object';
import type { createKeyPair as operation } from '@vouchsafe/kmip/operations/create-key-pair';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import type { TemplateAttribute } from '@vouchsafe/kmip/template-attribute';
import { keyFacts } from '../content/key-facts.ts';
import type { KeyHalf } from '../content/key-formats.ts';
import { link } from '../objects/links.ts';
import { halfContent, type MadePair, madePair } from '../objects/made.ts';
import { insertNew } from '../objects/new-object.ts';
import { attributesAsked } from '../objects/templates.ts';
import { type Asked, checkMask, invalid, newId } from './context.ts';

/** KMIP 1.4, 4.2. */
export async function createKeyPair(
  { common, privateKey, publicKey }: RequestOf<typeof operation>,
  call: Asked,
): Promise<ResponseOf<typeof operation>> {
  const shared = await said(common, call);
  const ofPrivate = [...shared, ...(await said(privateKey, call))];
  const ofPublic = [...shared, ...(await said(publicKey, call))];
  checkMask(ofPrivate);
  checkMask(ofPublic);
  const pair = await generated(ofPrivate, ofPublic, call);
  const ids = await insertPair(pair, { private: ofPrivate, public: ofPublic }, call);
  call.placeholder = ids.privateKeyId;
  return ids;
}

/** The attributes that a template asks for; none when there is no template. */
export const said = async (template: TemplateAttribute | undefined, call: Asked): Promise<readonly Attribute[]> =>
  template === undefined ? [] : await attributesAsked(template, call);

/** Both halves must be asked for as one and the same key. */
async function generated(
  ofPrivate: readonly Attribute[],
  ofPublic: readonly Attribute[],
  call: Asked,
): Promise<MadePair> {
  const algorithm = agreed(ofPrivate, ofPublic, 'Cryptographic Algorithm');
  const length = agreed(ofPrivate, ofPublic, 'Cryptographic Length');
  const domain = attributeValue(ofPrivate, 'Cryptographic Domain Parameters')?.curve;
  const other = attributeValue(ofPublic, 'Cryptographic Domain Parameters')?.curve;
  if (domain !== undefined && other !== undefined && domain !== other)
    throw invalid('Cryptographic Domain Parameters: differ between the private and the public key');
  const curve = domain ?? other;
  return await call.tx.once(`${algorithm} ${length} ${curve}`, () => madePair(algorithm, length, curve));
}

function agreed<N extends 'Cryptographic Algorithm' | 'Cryptographic Length'>(
  ofPrivate: readonly Attribute[],
  ofPublic: readonly Attribute[],
  name: N,
) {
  const [one, two] = [attributeValue(ofPrivate, name), attributeValue(ofPublic, name)];
  if (one !== undefined && two !== undefined && one !== two)
    throw invalid(`${name}: differs between the private and the public key`);
  return one ?? two;
}

/** Puts a pair into the store, each half linked to the other. */
export async function insertPair(
  { privateKey, publicKey }: MadePair,
  asked: { readonly private: readonly Attribute[]; readonly public: readonly Attribute[] },
  call: Asked,
): Promise<{ privateKeyId: string; publicKeyId: string }> {
  const [privateKeyId, publicKeyId] = [newId(), newId()];
  const facts = keyFacts(privateKey)!;
  const algorithm = attributeValue([...asked.private, ...asked.public], 'Cryptographic Algorithm') ?? facts.algorithm;
  if (algorithm.startsWith('0x')) throw invalid(`Cryptographic Algorithm: ${algorithm}`);
  const content = (half: KeyHalf, key: MadePair['privateKey']): Content => {
    const made = halfContent(half, key, algorithm as typeof facts.algorithm, facts.length);
    call.owned.defer(() => wipeObject(made));
    return made;
  };
  const derived = [
    { name: 'Cryptographic Algorithm', value: algorithm },
    { name: 'Cryptographic Length', value: facts.length },
  ] as const;
  const insert = (id: string, of: Content, attributes: readonly Attribute[], to: Attribute) =>
    insertNew({ id, content: of, asked: attributes, derived: [...derived, to], made: true }, call);
  await insert(privateKeyId, content('Private Key', privateKey), asked.private, link('Public Key Link', publicKeyId));
  await insert(publicKeyId, content('Public Key', publicKey), asked.public, link('Private Key Link', privateKeyId));
  return { privateKeyId, publicKeyId };
}
