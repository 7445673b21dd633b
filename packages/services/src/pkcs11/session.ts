import { readFileSync, statSync } from 'node:fs';
import type { CipherRequest, HelperFault, KeyRef, MacHash } from './key-facts.ts';
import { ck, type Handle, type Mechanism, type Pkcs11, type Template, type TokenInfo } from './module.ts';

/** Why the helper could not; a code that both sides know and words for people. */
export class TokenFault extends Error {
  override readonly name = 'TokenFault';
  readonly code: HelperFault;
  constructor(code: HelperFault, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** Where a token and its PIN are. */
export interface TokenPlace {
  /** Path of the vendor's PKCS#11 module, a shared library. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** Serial number, where several tokens have this label. */
  readonly serial?: string;
  readonly pinFile: string;
}

/**
 * One session with a token, logged in to once. Calls block until the token has answered: this runs in a process of its
 * own.
 */
export class TokenSession {
  readonly info: TokenInfo;
  readonly #pkcs11: Pkcs11;
  readonly #slot: Handle;
  #session: Handle;
  readonly #handles = new Map<string, Handle>();

  private constructor(pkcs11: Pkcs11, slot: Handle, session: Handle, info: TokenInfo) {
    this.#pkcs11 = pkcs11;
    this.#slot = slot;
    this.#session = session;
    this.info = info;
  }

  /** Loads the module, finds the token and logs in, once. @throws {TokenFault}, or the error of a CKR value */
  static open(pkcs11: Pkcs11, place: TokenPlace): TokenSession {
    try {
      pkcs11.load(place.module);
    } catch (cause) {
      throw new TokenFault('module-unloadable', `${place.module}: ${(cause as Error).message}`);
    }
    pkcs11.C_Initialize();
    const [slot, info] = findToken(pkcs11, place);
    needMechanisms(pkcs11, slot, place);
    refuseLockedPin(info, place);
    const session = pkcs11.C_OpenSession(slot, sessionFlags);
    pkcs11.C_Login(session, ck.CKU_USER, readPin(place.pinFile));
    return new TokenSession(pkcs11, slot, session, info);
  }

  /**
   * Makes a key that never leaves the token: sensitive and not extractable.
   * @throws {TokenFault} `key-unfit` when the token made another
   */
  makeKey(ref: KeyRef, type: 'AES' | 'HMAC', bits: number): void {
    const aes = type === 'AES';
    const mechanism = aes ? ck.CKM_AES_KEY_GEN : ck.CKM_GENERIC_SECRET_KEY_GEN;
    const template = [
      ...identity(ref),
      { type: ck.CKA_CLASS, value: ck.CKO_SECRET_KEY },
      { type: ck.CKA_KEY_TYPE, value: aes ? ck.CKK_AES : ck.CKK_GENERIC_SECRET },
      { type: ck.CKA_TOKEN, value: true },
      { type: ck.CKA_PRIVATE, value: true },
      { type: ck.CKA_SENSITIVE, value: true },
      { type: ck.CKA_EXTRACTABLE, value: false },
      { type: ck.CKA_ENCRYPT, value: aes },
      { type: ck.CKA_DECRYPT, value: aes },
      { type: ck.CKA_SIGN, value: !aes },
      { type: ck.CKA_VERIFY, value: !aes },
      // A key that may wrap others could carry them out of the token.
      { type: ck.CKA_WRAP, value: false },
      { type: ck.CKA_UNWRAP, value: false },
      { type: ck.CKA_DERIVE, value: false },
      { type: ck.CKA_VALUE_LEN, value: bits / 8 },
    ];
    const handle = this.#pkcs11.C_GenerateKey(this.#session, { mechanism }, template);
    this.#refuseUnfit(ref, handle);
    this.#handles.set(JSON.stringify(ref), handle);
  }

  /** @throws {TokenFault} `key-missing`, `key-ambiguous`, `key-unfit` when it may leave the token */
  findKey(ref: KeyRef): Handle {
    const name = JSON.stringify(ref);
    const known = this.#handles.get(name);
    if (known !== undefined) return known;
    const found = this.#search(ref);
    const [handle] = found;
    if (handle === undefined) throw new TokenFault('key-missing', `there is no key ${inWords(ref)} in the token`);
    if (found.length > 1) throw new TokenFault('key-ambiguous', `there are several keys ${inWords(ref)} in the token`);
    this.#refuseUnfit(ref, handle);
    this.#handles.set(name, handle);
    return handle;
  }

  encrypt(ref: KeyRef, cipher: CipherRequest, data: Buffer): Buffer {
    const out = Buffer.alloc(data.length + 32);
    return this.#with(ref, cipherMechanisms(cipher), (mechanism, key) => {
      this.#pkcs11.C_EncryptInit(this.#session, mechanism, key);
      return this.#pkcs11.C_Encrypt(this.#session, data, out);
    });
  }

  decrypt(ref: KeyRef, cipher: CipherRequest, data: Buffer): Buffer {
    const out = Buffer.alloc(data.length + 32);
    return this.#with(ref, cipherMechanisms(cipher), (mechanism, key) => {
      this.#pkcs11.C_DecryptInit(this.#session, mechanism, key);
      return this.#pkcs11.C_Decrypt(this.#session, data, out);
    });
  }

  mac(ref: KeyRef, hash: MacHash, data: Buffer): Buffer {
    return this.#with(ref, [{ mechanism: macMechanisms[hash] }], (mechanism, key) => {
      this.#pkcs11.C_SignInit(this.#session, mechanism, key);
      return this.#pkcs11.C_Sign(this.#session, data, Buffer.alloc(64));
    });
  }

  /** Some of the secret keys that the token keeps, by label and identifier; none at the end. */
  listKeys(from: number): { label: string; id: string }[] {
    const wanted = [{ type: ck.CKA_LABEL }, { type: ck.CKA_ID }];
    return this.#searchAll()
      .slice(from, from + listed)
      .map((handle) => {
        const [label, id] = this.#pkcs11.C_GetAttributeValue(this.#session, handle, wanted);
        return { label: label!.value.toString('utf8'), id: id!.value.toString('hex') };
      });
  }

  destroyKey(ref: KeyRef): void {
    const handle = this.findKey(ref);
    this.#handles.delete(JSON.stringify(ref));
    this.#pkcs11.C_DestroyObject(this.#session, handle);
  }

  /** Tries the forms of a mechanism in turn; a handle that the token no longer knows is looked up once more. */
  #with<T>(ref: KeyRef, mechanisms: readonly Mechanism[], use: (mechanism: Mechanism, key: Handle) => T): T {
    const [first, ...others] = mechanisms;
    try {
      return use(first!, this.findKey(ref));
    } catch (cause) {
      if (cause instanceof TokenFault) throw cause;
      this.#renew();
      const name = (cause as Error).message;
      if (name === 'CKR_MECHANISM_PARAM_INVALID' && others.length > 0) return this.#with(ref, others, use);
      const stale = name === 'CKR_KEY_HANDLE_INVALID' || name === 'CKR_OBJECT_HANDLE_INVALID';
      if (!stale || !this.#handles.delete(JSON.stringify(ref))) throw cause;
      return use(first!, this.findKey(ref));
    }
  }

  /**
   * Some modules keep an operation active when it fails, and refuse every one after it (CKR_OPERATION_ACTIVE). The other
   * session is opened before this one ends: the last one takes the login with it.
   */
  #renew(): void {
    const before = this.#session;
    this.#session = this.#pkcs11.C_OpenSession(this.#slot, sessionFlags);
    this.#pkcs11.C_CloseSession(before);
  }

  #search(ref: KeyRef): Handle[] {
    return this.#found(ref, () => this.#pkcs11.C_FindObjects(this.#session, 2));
  }

  #searchAll(): Handle[] {
    return this.#found({}, () => {
      const all: Handle[] = [];
      for (;;) {
        const some = this.#pkcs11.C_FindObjects(this.#session, 256);
        if (some.length === 0) return all;
        all.push(...some);
      }
    });
  }

  #found(ref: KeyRef, take: () => Handle[]): Handle[] {
    const template: Template = [
      ...identity(ref),
      { type: ck.CKA_CLASS, value: ck.CKO_SECRET_KEY },
      { type: ck.CKA_TOKEN, value: true },
    ];
    this.#pkcs11.C_FindObjectsInit(this.#session, template);
    try {
      return take();
    } finally {
      this.#pkcs11.C_FindObjectsFinal(this.#session);
    }
  }

  #refuseUnfit(ref: KeyRef, handle: Handle): void {
    const wanted = [{ type: ck.CKA_SENSITIVE }, { type: ck.CKA_EXTRACTABLE }];
    const [sensitive, extractable] = this.#pkcs11
      .C_GetAttributeValue(this.#session, handle, wanted)
      .map(({ value }) => value[0] !== 0);
    if (sensitive === true && extractable === false) return;
    const why = extractable === false ? 'CKA_SENSITIVE is false' : 'CKA_EXTRACTABLE is true';
    throw new TokenFault('key-unfit', `the key ${inWords(ref)} may leave the token: ${why}`);
  }
}

/** Keys in one answer: as many as a frame holds with labels and identifiers of usual length. */
const listed = 1024;

const sessionFlags = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION;

const identity = ({ label, id }: KeyRef): Template => [
  ...(label === undefined ? [] : [{ type: ck.CKA_LABEL, value: label }]),
  ...(id === undefined ? [] : [{ type: ck.CKA_ID, value: Buffer.from(id, 'hex') }]),
];

const inWords = ({ label, id }: KeyRef): string => [label, id && `with identifier ${id}`].filter(Boolean).join(' ');

const macMechanisms: Record<MacHash, number> = {
  'SHA-256': ck.CKM_SHA256_HMAC,
  'SHA-384': ck.CKM_SHA384_HMAC,
  'SHA-512': ck.CKM_SHA512_HMAC,
};

/** The types of parameters as pkcs11js numbers them: CK_GCM_PARAMS of 2.40, and of the headers before, without ulIvBits. */
const gcmParameters = { v240: 7, before: 3 } as const;

function cipherMechanisms(cipher: CipherRequest): Mechanism[] {
  const iv = Buffer.from(cipher.iv, 'hex');
  if (cipher.mode === 'CBC')
    return [{ mechanism: cipher.padding ? ck.CKM_AES_CBC_PAD : ck.CKM_AES_CBC, parameter: iv }];
  const { tagBits } = cipher;
  const parameter = { iv, ivBits: iv.length * 8, aad: Buffer.from(cipher.aad, 'hex'), tagBits };
  return [gcmParameters.v240, gcmParameters.before].map((type) => ({
    mechanism: ck.CKM_AES_GCM,
    parameter: { type, ...parameter },
  }));
}

function findToken(pkcs11: Pkcs11, { module, token, serial }: TokenPlace): [slot: Handle, info: TokenInfo] {
  const there = pkcs11.C_GetSlotList(true).map((slot): [Handle, TokenInfo] => [slot, pkcs11.C_GetTokenInfo(slot)]);
  const fits = there.filter(
    ([, info]) => info.label.trimEnd() === token && (serial === undefined || info.serialNumber.trim() === serial),
  );
  const [one] = fits;
  const named = serial === undefined ? token : `${token} with the serial number ${serial}`;
  if (one === undefined) {
    const labels = there.map(([, info]) => info.label.trimEnd()).filter(Boolean);
    const found = labels.length === 0 ? 'none' : labels.slice(0, 16).join(', ');
    throw new TokenFault('token-missing', `${module} has no token ${named}; it has ${found}`);
  }
  if (fits.length > 1)
    throw new TokenFault('token-ambiguous', `${module} has several tokens ${named}: give the serial number as well`);
  return one;
}

function needMechanisms(pkcs11: Pkcs11, slot: Handle, { token }: TokenPlace): void {
  const there = new Set(pkcs11.C_GetMechanismList(slot));
  for (const name of ['CKM_AES_KEY_GEN', 'CKM_AES_GCM'] as const)
    if (!there.has(ck[name])) throw new TokenFault('mechanism-missing', `the token ${token} has no ${name}`);
}

function refuseLockedPin({ flags }: TokenInfo, { token }: TokenPlace): void {
  if ((flags & ck.CKF_USER_PIN_LOCKED) !== 0)
    throw new TokenFault('pin-locked', `the PIN of the token ${token} is locked`);
  if ((flags & ck.CKF_USER_PIN_FINAL_TRY) !== 0)
    throw new TokenFault('pin-final-try', `one more wrong PIN locks the token ${token}: it is not tried here`);
}

/** PKCS#11 wants the PIN as text: it stays in this process, which ends with the session. */
function readPin(path: string): string {
  let octets: Buffer;
  try {
    if ((statSync(path).mode & 0o077) !== 0)
      throw new Error('others than its owner may read it: chmod 600, and change the PIN');
    octets = readFileSync(path);
  } catch (cause) {
    throw new TokenFault('pin-file', `${path}: ${(cause as Error).message}`);
  }
  const pin = octets.toString('utf8').replace(/\r?\n$/, '');
  octets.fill(0);
  if (pin === '' || pin.length > 255 || /[\r\n\0]/.test(pin))
    throw new TokenFault('pin-file', `${path}: expected one line of 1 to 255 characters`);
  return pin;
}
