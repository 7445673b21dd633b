import { randomBytes } from 'node:crypto';
import { Secret } from '@vouchsafe/bytes/secret';
import { Problem } from '@vouchsafe/domain/problem';
import { type Attribute, attributeValue } from '@vouchsafe/kmip/attribute';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { ensurePkcs11 } from '../pkcs11/install.ts';
import { type CipherRequest, type KeyRef, type MacHash, macHashes } from '../pkcs11/key-facts.ts';
import { Token, type TokenOptions } from '../pkcs11/token.ts';
import type { TokenConfig } from './config.ts';
import { type CipherInput, checkedCipher, type Encrypted } from './crypto/block-cipher.ts';
import type { ManagedObject } from './managed-object.ts';
import type { KeyStore } from './store.ts';

/** Says of an object that its key is in the token. Clients can neither set nor remove what begins with `y-`. */
const marker = 'y-Key-In-Token';

/** Keys that a token makes here, by algorithm, with their lengths in bits. */
const makes: Readonly<Record<string, { readonly type: 'AES' | 'HMAC'; readonly bits: readonly number[] }>> = {
  AES: { type: 'AES', bits: [128, 192, 256] },
  'HMAC-SHA256': { type: 'HMAC', bits: [256, 384, 512] },
  'HMAC-SHA384': { type: 'HMAC', bits: [384, 512] },
  'HMAC-SHA512': { type: 'HMAC', bits: [512] },
};

/** Labels of keys of clients in the token; the scope follows. */
const labelOf = 'vouchsafe/';

type Named = Pick<ManagedObject, 'id' | 'scope'>;

/** Whether the key of an object is in the token, and nowhere else. */
export const isInToken = ({ attributes }: Pick<ManagedObject, 'attributes'>): boolean =>
  attributes.some(({ name }) => name === marker);

/**
 * Keys of clients that a PKCS#11 token makes and never gives away. The store knows what they are; the token knows the
 * keys, by the id of the object (CKA_ID) and its scope (CKA_LABEL).
 *
 * Methods that use a key throw {OperationError}: `General Failure` when the token does not answer, so that clients go to
 * another server, `Cryptographic Failure` when it refuses.
 */
export class TokenKeys implements AsyncDisposable {
  readonly #token: Token;
  readonly #all: boolean;

  private constructor(token: Token, all: boolean) {
    this.#token = token;
    this.#all = all;
  }

  /** Opens the token and logs in, so that what is wrong with it is told at the start. @throws {Problem} */
  static async open(config: TokenConfig, options: TokenOptions): Promise<TokenKeys> {
    await ensurePkcs11(() => undefined);
    const { module, label, serial, pin_file: pinFile, keys } = config;
    const token = new Token({ module, token: label, pinFile, ...(serial !== undefined && { serial }) }, options);
    try {
      await token.info();
      return new TokenKeys(token, keys === 'all');
    } catch (cause) {
      await token[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /**
   * Whether a key that is to be made belongs in the token: every one, or those that are never to be extracted.
   * @throws {OperationError} when it should be and cannot
   */
  takes(asked: readonly Attribute[]): boolean {
    const extractable = attributeValue(asked, 'Extractable');
    const algorithm = attributeValue(asked, 'Cryptographic Algorithm') ?? '';
    const known = Object.hasOwn(makes, algorithm);
    if (!this.#all) return extractable === false && known;
    if (extractable === true)
      throw new OperationError('Permission Denied', 'Extractable: all keys of this server stay in its token');
    if (!known)
      throw new OperationError(
        'Feature Not Supported',
        `Cryptographic Algorithm: the token makes ${Object.keys(makes).join(', ')}`,
      );
    return true;
  }

  async make(object: Named, algorithm: string, bits: number): Promise<void> {
    const { type, bits: allowed } = makes[algorithm]!;
    if (!allowed.includes(bits))
      throw new OperationError('Invalid Field', `Cryptographic Length: ${bits}, the token makes ${allowed.join(', ')}`);
    await told(this.#token.makeKey({ ...refOf(object), label: `${labelOf}${object.scope}` }, type, bits));
  }

  async encrypt(object: Named, input: CipherInput): Promise<Encrypted> {
    const { mode, iv: given, tagBytes } = checkedCipher('encrypt', input);
    const iv = given ?? randomBytes(mode === 'GCM' ? 12 : 16);
    const cipher = cipherOf(mode, iv, input, tagBytes);
    const out = Buffer.from(await told(this.#token.encrypt(refOf(object), cipher, input.data)));
    const made = given === undefined ? { iv: Buffer.from(iv) } : {};
    if (mode === 'CBC') return { data: out, ...made };
    const end = out.length - tagBytes;
    return { data: out.subarray(0, end), ...made, tag: out.subarray(end) };
  }

  async decrypt(object: Named, input: CipherInput): Promise<Secret> {
    const { mode, iv, tagBytes } = checkedCipher('decrypt', input);
    const cipher = cipherOf(mode, iv!, input, tagBytes);
    const whole = mode === 'CBC' ? input.data : Buffer.concat([input.data, input.tag!]);
    return Secret.take(await told(this.#token.decrypt(refOf(object), cipher, whole)));
  }

  async mac(object: Named, hash: string, data: Uint8Array): Promise<Buffer> {
    if (!macHashes.includes(hash as MacHash))
      throw new OperationError('Feature Not Supported', `${hash}: the token has HMAC with ${macHashes.join(', ')}`);
    return Buffer.from(await told(this.#token.mac(refOf(object), hash as MacHash, data)));
  }

  /** A key that is gone already is destroyed. @throws {Problem} */
  async destroy(object: Named): Promise<void> {
    if (await this.#token.hasKey(refOf(object))) await this.#token.destroyKey(refOf(object));
  }

  /**
   * Destroys the keys of objects that were destroyed when the server ended before it told the token. Keys that no object
   * of this store is about stay: they may be another store's.
   * @throws {Problem}
   */
  async finishDestroyed(store: KeyStore): Promise<void> {
    const due: Named[] = [];
    for await (const { id, label } of this.#token.keys()) {
      if (!label.startsWith(labelOf) || id.length !== 32) continue;
      const named = { scope: label.slice(labelOf.length), id: uuidOf(id) };
      const object = await store.read((tx) => tx.object(named.scope, named.id));
      if (object?.destroyed !== undefined && isInToken(object)) due.push(named);
    }
    for (const named of due) await this.destroy(named);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#token[Symbol.asyncDispose]();
  }
}

/** What the server says of an object whose key is in the token. */
export const tokenAttributes = (): Attribute[] => [
  { name: 'Extractable', value: false },
  { name: 'Sensitive', value: true },
  { name: marker, value: { type: 'Boolean', value: true } },
  { name: 'Random Number Generator', value: { algorithm: 'Unspecified' } },
];

const refOf = ({ id }: Named): KeyRef => ({ id: id.replaceAll('-', '') });
const uuidOf = (id: string): string => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const hexOf = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

const cipherOf = (
  mode: 'GCM' | 'CBC',
  iv: Uint8Array,
  { parameters, additional }: CipherInput,
  tagBytes: number,
): CipherRequest =>
  mode === 'CBC'
    ? { mode, iv: hexOf(iv), padding: parameters.padding === 'PKCS5' }
    : { mode, iv: hexOf(iv), aad: hexOf(additional ?? new Uint8Array()), tagBits: tagBytes * 8 };

/** What a client learns of a token that does not do it: nothing of the token, and whether another server might help. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof Problem)) throw cause;
    if (cause.kind === 'hsm.refused')
      throw new OperationError(
        'Cryptographic Failure',
        'the token refused: the data do not suit the key, mode and padding',
      );
    if (cause.kind === 'hsm.key-missing')
      throw new OperationError('Cryptographic Failure', 'the token does not hold this key any more');
    throw cause;
  }
}
