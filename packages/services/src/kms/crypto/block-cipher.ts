import { type CipherGCM, createCipheriv, createDecipheriv, type DecipherGCM, randomBytes } from 'node:crypto';
import type { Secret } from '@vouchsafe/bytes/secret';
import type { CryptographicParameters as Parameters } from '@vouchsafe/kmip/cryptographic-parameters';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';

/** What is encrypted or decrypted. */
export interface CipherInput {
  readonly parameters: Parameters;
  readonly data: Uint8Array;
  readonly iv?: Uint8Array | undefined;
  readonly additional?: Uint8Array | undefined;
  /** Of a decryption with authentication. */
  readonly tag?: Uint8Array | undefined;
}

/** What comes out of an encryption. */
export interface Encrypted {
  readonly data: Buffer;
  /** Only when it was made here. */
  readonly iv?: Buffer;
  readonly tag?: Buffer;
}

interface Mode {
  readonly node: string;
  /** Octets of an IV that is made here; 0 for modes without one. */
  readonly iv: number;
  readonly ivFits: (octets: number) => boolean;
  /** The data stand in whole blocks, unless they are padded. */
  readonly blocks: boolean;
  readonly authenticated: boolean;
}

const exactly = (expected: number) => (octets: number) => octets === expected;
const stream = { iv: 16, ivFits: exactly(16), blocks: false, authenticated: false };

/** The modes of KMIP 1.4, 9.1.3.2.14, that AES is used in here. */
const modes: Readonly<Record<string, Mode>> = {
  ECB: { node: 'ecb', iv: 0, ivFits: exactly(0), blocks: true, authenticated: false },
  CBC: { node: 'cbc', iv: 16, ivFits: exactly(16), blocks: true, authenticated: false },
  CTR: { node: 'ctr', ...stream },
  CFB: { node: 'cfb', ...stream },
  OFB: { node: 'ofb', ...stream },
  GCM: { node: 'gcm', iv: 12, ivFits: (octets) => octets >= 8 && octets <= 128, blocks: false, authenticated: true },
};

/** Tags of NIST SP 800-38D, 5.2.1.2, without the short ones of appendix C. */
const tagLengths = { least: 12, most: 16 } as const;

/** Encrypts with AES. @throws {OperationError} */
export function encrypt(key: Secret, input: CipherInput): Encrypted {
  const mode = modeOf(input.parameters);
  refuse(input.tag !== undefined, 'Authenticated Encryption Tag: is for Decrypt');
  const made = input.iv === undefined && mode.iv > 0 && input.parameters.randomIv === true;
  const iv = made ? randomBytes(mode.iv) : checkedIv(mode, input);
  return key.use((bytes) => {
    const size = mode.authenticated ? tagLength(input.parameters) : undefined;
    const cipher = createCipheriv(cipherName(bytes, mode), bytes, iv, options(size)) as CipherGCM;
    setUp(cipher, mode, input);
    const data = attempt(() => Buffer.concat([cipher.update(input.data), cipher.final()]));
    return {
      data,
      ...(made ? { iv: iv as Buffer } : {}),
      ...(mode.authenticated ? { tag: cipher.getAuthTag() } : {}),
    };
  });
}

/** Decrypts with AES; what does not authenticate is never given out. @throws {OperationError} */
export function decrypt(key: Secret, input: CipherInput): Buffer {
  const mode = modeOf(input.parameters);
  const iv = checkedIv(mode, input);
  const tag = mode.authenticated ? checkedTag(input) : undefined;
  refuse(tag === undefined && input.tag !== undefined, 'Authenticated Encryption Tag: this mode has none');
  return key.use((bytes) => {
    const cipher = createDecipheriv(cipherName(bytes, mode), bytes, iv, options(tag?.length)) as DecipherGCM;
    if (tag !== undefined) cipher.setAuthTag(tag);
    setUp(cipher, mode, input);
    let part: Buffer | undefined;
    try {
      return attempt(() => {
        part = cipher.update(input.data);
        return Buffer.concat([part, cipher.final()]);
      });
    } finally {
      part?.fill(0);
    }
  });
}

/** What a key that another device keeps is to be used with. */
export interface CheckedCipher {
  readonly mode: 'GCM' | 'CBC';
  /** None where one is to be made. */
  readonly iv: Uint8Array | undefined;
  /** Octets of the Authenticated Encryption Tag; 0 without one. */
  readonly tagBytes: number;
}

/** The checks of `encrypt` and `decrypt`, for a key that is not at hand. @throws {OperationError} */
export function checkedCipher(direction: 'encrypt' | 'decrypt', input: CipherInput): CheckedCipher {
  const { mode: name, randomIv } = input.parameters;
  const mode = modeOf(input.parameters);
  if (name !== 'GCM' && name !== 'CBC')
    throw new OperationError('Feature Not Supported', `Block Cipher Mode: ${name}, expected GCM or CBC for this key`);
  checkPadding(mode, input);
  const made = direction === 'encrypt' && input.iv === undefined && randomIv === true;
  const iv = made ? undefined : checkedIv(mode, input)!;
  if (direction === 'encrypt') refuse(input.tag !== undefined, 'Authenticated Encryption Tag: is for Decrypt');
  else refuse(name === 'CBC' && input.tag !== undefined, 'Authenticated Encryption Tag: this mode has none');
  if (name === 'CBC') return { mode: name, iv, tagBytes: 0 };
  const tagBytes = direction === 'encrypt' ? tagLength(input.parameters) : checkedTag(input).length;
  return { mode: name, iv, tagBytes };
}

function modeOf({ mode }: Parameters): Mode {
  if (mode === undefined || !Object.hasOwn(modes, mode))
    throw new OperationError(
      'Invalid Field',
      `Block Cipher Mode: ${mode ?? 'missing'}, expected one of ${Object.keys(modes).join(', ')}`,
    );
  return modes[mode]!;
}

function checkedIv(mode: Mode, { iv }: CipherInput): Uint8Array | null {
  if (mode.iv > 0 && iv === undefined)
    throw new OperationError('Invalid Message', 'IV/Counter/Nonce: is missing, and Random IV is not set');
  if (!mode.ivFits(iv?.length ?? 0))
    throw new OperationError('Invalid Field', `IV/Counter/Nonce: ${iv?.length} octets do not suit the mode`);
  return iv === undefined || iv.length === 0 ? null : iv;
}

const badTagLength = (octets: number) => octets < tagLengths.least || octets > tagLengths.most;

function tagLength({ tagLength: asked = tagLengths.most }: Parameters): number {
  // The reason of the standard's own case, CS-BC-M-GCM-1-14.
  if (badTagLength(asked))
    throw new OperationError(
      'General Failure',
      `Tag Length: ${asked}, expected ${tagLengths.least} to ${tagLengths.most} octets`,
    );
  return asked;
}

function checkedTag({ tag, parameters }: CipherInput): Uint8Array {
  if (tag === undefined) throw new OperationError('Invalid Message', 'Authenticated Encryption Tag: is missing');
  const expected = parameters.tagLength === undefined ? tag.length : tagLength(parameters);
  refuse(badTagLength(tag.length) || tag.length !== expected, `Authenticated Encryption Tag: ${tag.length} octets`);
  return tag;
}

function setUp(cipher: CipherGCM | DecipherGCM, mode: Mode, input: CipherInput): void {
  checkPadding(mode, input);
  const { parameters, additional } = input;
  if (mode.blocks) cipher.setAutoPadding(parameters.padding === 'PKCS5');
  if (mode.authenticated && additional !== undefined) cipher.setAAD(additional);
}

function checkPadding(mode: Mode, { parameters, additional }: CipherInput): void {
  const { padding = 'None' } = parameters;
  refuse(padding !== 'None' && padding !== 'PKCS5', `Padding Method: ${padding}, expected PKCS5 or None`);
  refuse(!mode.blocks && padding !== 'None', `Padding Method: ${padding}, this mode needs none`);
  refuse(!mode.authenticated && (additional?.length ?? 0) > 0, 'Additional Data: this mode does not authenticate');
}

function cipherName(key: Uint8Array, mode: Mode): string {
  const bits = key.length * 8;
  if (![128, 192, 256].includes(bits)) throw new OperationError('Cryptographic Failure', `no AES key: ${bits} bits`);
  return `aes-${bits}-${mode.node}`;
}

// biome-ignore lint/suspicious/noExplicitAny: the options of Node differ by the mode, whose name is not known to the types
const options = (authTagLength: number | undefined): any => (authTagLength === undefined ? {} : { authTagLength });

/** One text for every failure: why a decryption failed helps only those who guess. */
function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch {
    throw new OperationError('Cryptographic Failure', 'the data do not suit the key, mode and padding');
  }
}

function refuse(when: boolean, why: string): void {
  if (when) throw new OperationError('Invalid Field', why);
}
