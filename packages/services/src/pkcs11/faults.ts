import { Problem, type ProblemKind } from '@vouchsafe/domain/problem';
import type { HelperFault } from './key-facts.ts';

type Advice = readonly [kind: ProblemKind, advice: string];

const gone: Advice = [
  'hsm.unavailable',
  'the token is gone or its session was lost; put it back, or restart its service',
];
const pin: Advice = ['hsm.pin-refused', 'it is not tried again until the PIN file changes'];
const undecipherable: Advice = ['hsm.refused', 'made by another key, for another purpose, or changed since'];

/** What each answer of a token means to the one who runs it, in the words of PKCS #11 2.40, 5.1. */
const advice: Readonly<Record<HelperFault | `CKR_${string}`, Advice>> = {
  'not-installed': ['host.package-missing', '`vouchsafe kms root-key set pkcs11` installs it'],
  'module-unloadable': ['hsm.unavailable', 'check the path of the module and that it is of this architecture'],
  'token-missing': ['hsm.unavailable', 'check that it is plugged in or reachable, and its label'],
  'token-ambiguous': ['config.invalid', 'name one of them'],
  'mechanism-missing': ['hsm.refused', 'this token cannot do what is needed'],
  'key-missing': ['hsm.key-missing', 'is it the same token? restore it from its own backup'],
  'key-ambiguous': ['hsm.key-missing', 'give the key that is meant a label of its own'],
  'key-unfit': ['hsm.refused', 'a root key must not be able to leave its token: let vouchsafe make one'],
  'pin-file': ['file.unreadable', 'the file holds the PIN of the token, in one line, for its owner only'],
  'pin-locked': ['hsm.pin-refused', "the token's security officer unlocks it"],
  'pin-final-try': [
    'hsm.pin-refused',
    'log in once by hand, with the tools of the vendor, so that the token counts anew',
  ],
  'request-invalid': ['internal', 'a defect of this program'],
  CKR_PIN_INCORRECT: pin,
  CKR_PIN_INVALID: pin,
  CKR_PIN_LEN_RANGE: pin,
  CKR_PIN_EXPIRED: ['hsm.pin-refused', 'set a new PIN with the tools of the vendor'],
  CKR_PIN_LOCKED: ['hsm.pin-refused', "the token's security officer unlocks it"],
  CKR_USER_PIN_NOT_INITIALIZED: ['hsm.pin-refused', 'the token has no PIN of a user yet'],
  CKR_DEVICE_REMOVED: gone,
  CKR_DEVICE_ERROR: gone,
  CKR_TOKEN_NOT_PRESENT: gone,
  CKR_TOKEN_NOT_RECOGNIZED: gone,
  CKR_SESSION_CLOSED: gone,
  CKR_SESSION_HANDLE_INVALID: gone,
  CKR_SLOT_ID_INVALID: gone,
  CKR_USER_NOT_LOGGED_IN: gone,
  CKR_CRYPTOKI_NOT_INITIALIZED: gone,
  CKR_DEVICE_MEMORY: ['hsm.refused', 'the token is full'],
  CKR_TOKEN_WRITE_PROTECTED: ['hsm.refused', 'the token is write-protected'],
  CKR_ENCRYPTED_DATA_INVALID: undecipherable,
  CKR_ENCRYPTED_DATA_LEN_RANGE: undecipherable,
  CKR_AEAD_DECRYPT_FAILED: undecipherable,
};

/** Answers after which the session is worth nothing and another one is. */
export const isGone = (code: string): boolean => advice[code as keyof typeof advice] === gone;
/** Answers that say that the PIN itself was tried and is wrong. */
export const isPinRefused = (code: string): boolean => code.startsWith('CKR_PIN_');

/** @param where the token, for people */
export function problemOf(where: string, code: string, detail: string): Problem {
  const [kind, what] =
    advice[code as keyof typeof advice] ?? (['hsm.refused', 'see what its vendor says of it'] as const);
  return new Problem(kind, `${where}: ${detail}: ${what}`, { data: { code } });
}
