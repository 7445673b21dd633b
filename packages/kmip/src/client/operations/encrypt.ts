import type { Secret } from '@vouchsafe/bytes/secret';
import type { CryptographicParameters } from '../../cryptographic-parameters.ts';
import { KmipError } from '../../error.ts';
import { encrypt as operation } from '../../operations/encrypt.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';
import { expectId } from './expect.ts';

/** What the server's encryption made. */
export interface Ciphertext {
  readonly data: Uint8Array;
  /** The one that was asked for, or that the server chose. */
  readonly iv: Uint8Array | undefined;
  /** Of authenticated encryption. */
  readonly tag: Uint8Array | undefined;
}

/** How to encrypt. */
export interface EncryptOptions extends CallOptions {
  /** Default: AES-GCM with a tag of 16 octets and an IV that the server chooses. */
  readonly parameters?: CryptographicParameters;
  /** Default: the server chooses. */
  readonly iv?: Uint8Array;
  /** Authenticated, not encrypted. */
  readonly additional?: Uint8Array;
}

/** AES-GCM as NIST SP 800-38D recommends it: 96 bits of IV, 128 bits of tag. */
export const aesGcm: CryptographicParameters = { mode: 'GCM', algorithm: 'AES', ivLength: 12, tagLength: 16 };

/** Authenticated encryption came with 1.4: before, tag and additional data would be left out without a word. */
export const isAuthenticated = ({ mode }: CryptographicParameters): boolean => mode === 'GCM' || mode === 'CCM';
export const authenticated = { since: { major: 1, minor: 4 } } as const;

/** Has the server encrypt with a key that stays there. */
export const encrypt =
  (cluster: Cluster) =>
  async (id: string, data: Secret, options: EncryptOptions = {}): Promise<Ciphertext> => {
    const { iv, additional, parameters = { ...aesGcm, randomIv: iv === undefined } } = options;
    const aead = isAuthenticated(parameters) || additional !== undefined;
    const answer = await cluster.send(
      aead ? { ...operation, ...authenticated } : operation,
      { id, parameters, data, iv, additional },
      { id, deadline: cluster.deadline(options) },
    );
    expectId('Encrypt', id, answer.id);
    const made = { data: answer.data, iv: answer.iv ?? iv, tag: answer.tag };
    checkCiphertext(made, data.length, parameters, iv);
    return { ...made, data: made.data ?? new Uint8Array() };
  };

function checkCiphertext(
  made: { data: Uint8Array | undefined; iv: Uint8Array | undefined; tag: Uint8Array | undefined },
  length: number,
  parameters: CryptographicParameters,
  iv: Uint8Array | undefined,
): void {
  const got = made.data?.length ?? 0;
  if (got < length) throw wrong(`${length} octets were to be encrypted, ${got} came`);
  if (iv !== undefined && !Buffer.from(iv).equals(made.iv ?? new Uint8Array())) throw wrong('another IV was used');
  if (!isAuthenticated(parameters)) return;
  if (got !== length) throw wrong(`${length} octets were to be encrypted, ${got} came`);
  if (made.iv === undefined || made.iv.length === 0) throw wrong('no IV came');
  const tag = parameters.tagLength ?? 16;
  if (made.tag?.length !== tag) throw wrong(`a tag of ${tag} octets was asked for, ${made.tag?.length ?? 0} came`);
}

const wrong = (why: string) => new KmipError('answer.invalid', `Encrypt: ${why}`);
