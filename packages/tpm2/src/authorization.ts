import { type Infer, sized, struct, u8, u16, u32 } from '@vouchsafe/bytes/codec';
import type { Secret } from '@vouchsafe/bytes/secret';
import type { HashName } from './algorithms.ts';
import { TpmError } from './error.ts';
import { Tpm2bDigest } from './public.ts';

/** Part 2, 10.13.2 TPMS_AUTH_COMMAND; the attributes are those of 8.4 TPMA_SESSION */
export const TpmsAuthCommand = struct('TPMS_AUTH_COMMAND', {
  sessionHandle: u32,
  nonce: Tpm2bDigest,
  sessionAttributes: u8,
  hmac: sized('TPM2B_AUTH', u16, 128),
});
export type TpmsAuthCommand = Infer<typeof TpmsAuthCommand>;

/** Part 2, 10.13.3 TPMS_AUTH_RESPONSE */
export const TpmsAuthResponse = struct('TPMS_AUTH_RESPONSE', {
  nonce: Tpm2bDigest,
  sessionAttributes: u8,
  hmac: Tpm2bDigest,
});
export type TpmsAuthResponse = Infer<typeof TpmsAuthResponse>;

/** Part 2, 8.4 TPMA_SESSION */
export const sessionAttributes = { continueSession: 0x01, decrypt: 0x20, encrypt: 0x40 } as const;

/** Digest of a command's or response's parameters (cpHash, rpHash), by the hash of the session that asks. */
export type ParameterHash = (hash: HashName) => Uint8Array;

/** One use of a session: what `Tpm` asks it while a command is under way, in this order. */
export interface Authorization {
  /** Draws the caller's nonce. */
  begin(): void;
  /** The TPM's nonce, when it must be in another session's HMAC as well. */
  readonly nonceTPM: Uint8Array;
  /** Conceals the command's first parameter; absent when the session shall not. */
  encryptCommand?(data: Uint8Array): Uint8Array;
  authorize(cpHash: ParameterHash, otherNonces: Uint8Array): TpmsAuthCommand;
  /** Judges the response. @throws {TpmError} `answer` when its HMAC is false */
  accept(rpHash: ParameterHash, response: TpmsAuthResponse): void;
  /** Reveals the response's first parameter; absent when the session shall not. */
  decryptResponse?(data: Uint8Array): Uint8Array;
}

/** Part 2, 7.4 TPM_RS_PW */
const passwordHandle = 0x40000009;
const empty = new Uint8Array();

/** Authorization by the plain value (Part 1, 19.4): fit for empty values and for transports nobody listens to. */
export function password(value?: Secret): Authorization {
  return {
    begin: () => undefined,
    nonceTPM: empty,
    authorize: () => ({
      sessionHandle: passwordHandle,
      nonce: empty,
      sessionAttributes: sessionAttributes.continueSession,
      hmac: value === undefined ? empty : value.use((bytes) => bytes.slice()),
    }),
    accept(_rpHash, { nonce, hmac }) {
      if (nonce.length > 0 || hmac.length > 0)
        throw new TpmError('answer', 'the response to a password authorization has a nonce or an HMAC');
    },
  };
}
