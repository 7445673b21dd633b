import { Secret } from '@vouchsafe/bytes/secret';
import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { type ManagedObject as Content, wipeObject } from '@vouchsafe/kmip/managed-object';
import type { deriveKey as operation } from '@vouchsafe/kmip/operations/derive-key';
import type { RequestOf, ResponseOf } from '@vouchsafe/kmip/operations/operation';
import { secretOf } from '../content/content.ts';
import { derive } from '../crypto/derive.ts';
import type { ManagedObject } from '../managed-object.ts';
import { link, withLink } from '../objects/links.ts';
import { symmetricKey, symmetricOctets } from '../objects/made.ts';
import { insertNew } from '../objects/new-object.ts';
import { attributesAsked } from '../objects/templates.ts';
import { checkUse, parametersFor } from '../usage.ts';
import { type Asked, checkMask, contentOf, invalid, notSupported, spend, subject } from './context.ts';

type Request = RequestOf<typeof operation>;

/** KMIP 1.4, 4.6, from one key or password. */
export async function deriveKey(request: Request, call: Asked): Promise<ResponseOf<typeof operation>> {
  const { objectType, ids, template } = request;
  if (ids.length > 1) throw notSupported('Derive Key: from several objects');
  const asked = await attributesAsked(template, call);
  const base = await subject(ids[0], call);
  checkUse(base, 'Derive Key', call.now);
  const content = contentFor(objectType, asked, await derived(base, request, octetsFor(objectType, asked), call));
  call.owned.defer(() => wipeObject(content));
  await spend(base, 0, call);
  const links = [link('Derivation Base Object Link', base.id)];
  const { id } = await insertNew({ content, asked, derived: links, made: true }, call);
  await call.tx.update({ ...withLink(await subject(base.id, call), 'Derived Key Link', id), changed: call.now });
  call.placeholder = id;
  return { id };
}

function octetsFor(objectType: Request['objectType'], asked: readonly Attribute[]): number {
  const length = attributeValue(asked, 'Cryptographic Length');
  if (objectType === 'Symmetric Key') {
    checkMask(asked);
    return symmetricOctets(attributeValue(asked, 'Cryptographic Algorithm'), length);
  }
  if (objectType !== 'Secret Data') throw invalid(`Object Type: ${objectType} cannot be derived`);
  if (length === undefined || length <= 0 || length % 8 !== 0 || length > mostBits)
    throw invalid(`Cryptographic Length: ${length ?? 'missing'}, expected whole octets up to ${mostBits} bits`);
  return length / 8;
}

const mostBits = 65_536;

async function derived(
  base: ManagedObject,
  { method, parameters }: Request,
  octets: number,
  call: Asked,
): Promise<Secret> {
  const { cryptographic, iv, data, salt, iterations } = parameters;
  if (data !== undefined) call.owned.use(data);
  if (method.startsWith('0x')) throw invalid(`Derivation Method: ${method}`);
  const own = parametersFor(base, cryptographic);
  const from = call.tx.held(copyOf(secretOf(await contentOf(base, call))));
  const held = data && call.tx.held(copyOf(data));
  const whole = await call.tx.once(`${base.id} ${octets} ${JSON.stringify(own)}`, () => {
    const work = (plain?: Uint8Array) =>
      derive(from, { method: method as never, parameters: own, iv, data: plain, salt, iterations }, octets);
    return held === undefined ? work() : held.use(work);
  });
  return copyOf(whole);
}

const copyOf = (secret: Secret): Secret => secret.use((bytes) => Secret.take(Uint8Array.from(bytes)));

function contentFor(objectType: string, asked: readonly Attribute[], material: Secret): Content {
  const length = attributeValue(asked, 'Cryptographic Length')!;
  const algorithm = attributeValue(asked, 'Cryptographic Algorithm') as never;
  if (objectType === 'Symmetric Key') return symmetricKey(material, algorithm, length);
  const value = { material, attributes: [] };
  return { type: 'Secret Data', secretType: 'Seed', block: { format: 'Raw', value, algorithm, length } };
}
