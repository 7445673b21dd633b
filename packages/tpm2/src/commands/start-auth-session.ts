import { randomBytes } from 'node:crypto';
import { oneOf, sized, struct, u8, u16 } from '@vouchsafe/bytes/codec';
import { Secret } from '@vouchsafe/bytes/secret';
import { type HashName, hashes, TpmiAlgHash } from '../algorithms.ts';
import { command } from '../command.ts';
import { hierarchy } from '../entity.ts';
import { kdfA } from '../kdf.ts';
import { decodePublic, Tpm2bDigest, TpmtSymDefObject } from '../public.ts';
import { Session } from '../session.ts';
import { shareSecret } from '../share-secret.ts';
import type { Tpm } from '../tpm.ts';
import { flushContext } from './flush-context.ts';
import type { TpmObject } from './read-public.ts';

/** Part 2, 11.4.3 TPM2B_ENCRYPTED_SECRET */
export const Tpm2bEncryptedSecret = sized('TPM2B_ENCRYPTED_SECRET', u16, 512);

/** Part 3, 11.1 TPM2_StartAuthSession */
export const StartAuthSession = command({
  name: 'TPM2_StartAuthSession',
  code: 0x176,
  handles: ['tpmKey', 'bind'],
  parameters: struct('TPM2_StartAuthSession', {
    nonceCaller: Tpm2bDigest,
    encryptedSalt: Tpm2bEncryptedSecret,
    sessionType: oneOf(u8, { hmac: 0x00, policy: 0x01 }),
    symmetric: TpmtSymDefObject,
    authHash: TpmiAlgHash,
  }),
  makes: true,
  results: struct('TPM2_StartAuthSession', { nonceTPM: Tpm2bDigest }),
});

/** How to start a session. */
export interface SessionOptions {
  readonly type: 'hmac' | 'policy';
  readonly hash?: HashName;
  /**
   * A decryption key of the TPM that keeps the session's key from whoever listens. Its public area must be known to be
   * the TPM's (certified EK); one that came over the same wire helps against listeners, not against impostors.
   */
  readonly saltKey?: TpmObject;
  readonly random?: (size: number) => Uint8Array;
}

const random = (size: number) => new Uint8Array(randomBytes(size));

/** Starts a session that is not bound to an entity. Dispose of it. */
export async function startAuthSession(tpm: Tpm, options: SessionOptions): Promise<Session> {
  const { type, hash = 'sha256', saltKey } = options;
  const draw = options.random ?? random;
  const nonceCaller = draw(hashes[hash].size);
  const salt = saltKey === undefined ? undefined : shareSecret(decodePublic(saltKey.publicArea), 'SECRET');
  const parameters = {
    nonceCaller,
    encryptedSalt: salt?.encrypted ?? new Uint8Array(),
    sessionType: type,
    symmetric: { algorithm: 'aes', keyBits: 128, mode: 'cfb' } as const,
    authHash: hash,
  };
  const handles = [saltKey ?? hierarchy('null'), hierarchy('null')];
  const { handle, results } = await tpm.run(StartAuthSession, parameters, handles);
  const { nonceTPM } = results;
  const key = salt === undefined ? new Uint8Array() : kdfA(hash, salt.secret, 'ATH', nonceTPM, nonceCaller);
  salt?.secret.fill(0);
  const flush = () => flushContext(tpm, handle);
  return new Session({ handle, type, hash, sessionKey: Secret.take(key), nonceTPM, random: draw, flush });
}
