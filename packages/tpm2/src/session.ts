import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { concat } from '@vouchsafe/bytes/hex';
import type { Secret } from '@vouchsafe/bytes/secret';
import { type HashName, hashes } from './algorithms.ts';
import {
  type Authorization,
  type ParameterHash,
  sessionAttributes,
  type TpmsAuthCommand,
  type TpmsAuthResponse,
} from './authorization.ts';
import { byHandle, type Entity } from './entity.ts';
import { TpmError } from './error.ts';
import { kdfA } from './kdf.ts';

/** How a session was started. */
export interface SessionState {
  readonly handle: number;
  readonly type: 'hmac' | 'policy';
  readonly hash: HashName;
  /** Empty unless the session is salted (Part 1, 19.6.8). */
  readonly sessionKey: Secret;
  readonly nonceTPM: Uint8Array;
  readonly random: (size: number) => Uint8Array;
  readonly flush: () => Promise<void>;
}

/** How a session is used for one command. */
export interface SessionUse {
  /** Authorization value of the entity that the session authorizes; none for policies without PolicyAuthValue. */
  readonly authValue?: Secret;
  /** Conceal the command's first parameter, a TPM2B. The session must be salted or have an authValue. */
  readonly encryptCommand?: boolean;
  /** Have the response's first parameter, a TPM2B, concealed. */
  readonly encryptResponse?: boolean;
}

const aesBits = 128;
const ivBits = 128;

/**
 * An HMAC or policy session (Part 1, 19.6): rolling nonces, an HMAC on each command and one that is checked on each
 * response. Dispose of it: a TPM without resource manager has three slots.
 */
export class Session implements AsyncDisposable {
  readonly #state: SessionState;
  #nonceTPM: Uint8Array;
  #nonceCaller: Uint8Array = new Uint8Array();
  #gone = false;

  constructor(state: SessionState) {
    this.#state = state;
    this.#nonceTPM = state.nonceTPM;
  }

  /** The session as a command's handle, for instance of PolicyPCR. */
  get entity(): Entity {
    return byHandle(this.#state.handle);
  }

  get hash(): HashName {
    return this.#state.hash;
  }

  /** Uses the session for a command's authorization, or just to protect its parameters. */
  use({ authValue, encryptCommand = false, encryptResponse = false }: SessionUse = {}): Authorization {
    const session = this;
    const attributes =
      sessionAttributes.continueSession +
      (encryptCommand ? sessionAttributes.decrypt : 0) +
      (encryptResponse ? sessionAttributes.encrypt : 0);
    return {
      begin: () => {
        this.#nonceCaller = this.#state.random(hashes[this.#state.hash].size);
      },
      get nonceTPM() {
        return session.#nonceTPM;
      },
      ...(encryptCommand ? { encryptCommand: (data) => this.#cipher(authValue, data, 'encrypt') } : {}),
      authorize: (cpHash, otherNonces) => this.#authorize(cpHash, otherNonces, attributes, authValue),
      accept: (rpHash, response) => this.#accept(rpHash, response, attributes, authValue),
      ...(encryptResponse ? { decryptResponse: (data) => this.#cipher(authValue, data, 'decrypt') } : {}),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#gone) return;
    this.#gone = true;
    this.#state.sessionKey[Symbol.dispose]();
    await this.#state.flush();
  }

  #authorize(
    cpHash: ParameterHash,
    otherNonces: Uint8Array,
    attributes: number,
    authValue: Secret | undefined,
  ): TpmsAuthCommand {
    const nonces = concat(this.#nonceCaller, this.#nonceTPM, otherNonces);
    return {
      sessionHandle: this.#state.handle,
      nonce: this.#nonceCaller,
      sessionAttributes: attributes,
      hmac: this.#hmac(cpHash, nonces, attributes, authValue),
    };
  }

  #accept(rpHash: ParameterHash, response: TpmsAuthResponse, attributes: number, authValue: Secret | undefined): void {
    const nonces = concat(response.nonce, this.#nonceCaller);
    const expected = this.#hmac(rpHash, nonces, response.sessionAttributes, authValue);
    if (!equalBytes(expected, response.hmac)) throw new TpmError('answer', "the HMAC of the TPM's response is false");
    if (response.sessionAttributes !== attributes)
      throw new TpmError('answer', "the session attributes of the TPM's response are not those of the command");
    this.#nonceTPM = response.nonce;
  }

  /** Part 1, 19.6.5. A policy session without any key has no HMAC (Part 1, 19.6). */
  #hmac(pHash: ParameterHash, nonces: Uint8Array, attributes: number, authValue: Secret | undefined): Uint8Array {
    const { hash, type } = this.#state;
    return this.#withKey(authValue, (key) =>
      type === 'policy' && key.length === 0
        ? new Uint8Array()
        : new Uint8Array(
            createHmac(hashes[hash].node, key)
              .update(pHash(hash))
              .update(nonces)
              .update(new Uint8Array([attributes]))
              .digest(),
          ),
    );
  }

  /** Part 1, 21.3: AES-128-CFB, key and initialisation vector from KDFa; the newer nonce comes first. */
  #cipher(authValue: Secret | undefined, data: Uint8Array, way: 'encrypt' | 'decrypt'): Uint8Array {
    const [newer, older] =
      way === 'encrypt' ? [this.#nonceCaller, this.#nonceTPM] : [this.#nonceTPM, this.#nonceCaller];
    const material = this.#withKey(authValue, (key) =>
      kdfA(this.#state.hash, key, 'CFB', newer, older, aesBits + ivBits),
    );
    const [key, iv] = [material.subarray(0, aesBits / 8), material.subarray(aesBits / 8)];
    const cipher =
      way === 'encrypt' ? createCipheriv('aes-128-cfb', key, iv) : createDecipheriv('aes-128-cfb', key, iv);
    const out = concat(cipher.update(data), cipher.final());
    material.fill(0);
    return out;
  }

  #withKey<T>(authValue: Secret | undefined, f: (key: Uint8Array) => T): T {
    const key = this.#state.sessionKey.use((sessionKey) =>
      authValue === undefined ? concat(sessionKey) : authValue.use((value) => concat(sessionKey, stripped(value))),
    );
    const result = f(key);
    key.fill(0);
    return result;
  }
}

/** Part 1, 19.6.4: trailing zeros of an authorization value do not count. */
const stripped = (value: Uint8Array) => value.subarray(0, value.findLastIndex((byte) => byte !== 0) + 1);
