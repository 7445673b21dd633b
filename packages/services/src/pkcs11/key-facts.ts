/** A key in a token by its label, its identifier (CKA_ID, hexadecimal) or both. */
export interface KeyRef {
  readonly label?: string;
  readonly id?: string;
}

/** How a key of a token encrypts; octets as hexadecimal text. */
export type CipherRequest =
  | { readonly mode: 'GCM'; readonly iv: string; readonly aad: string; readonly tagBits: number }
  | { readonly mode: 'CBC'; readonly iv: string; readonly padding: boolean };

/** Hashes of HMAC. */
export const macHashes = ['SHA-256', 'SHA-384', 'SHA-512'] as const;
export type MacHash = (typeof macHashes)[number];

/** What is asked of the helper; the octets to work on are the body. */
export type TokenRequest =
  | {
      readonly ask: 'open';
      readonly module: string;
      readonly token: string;
      readonly serial?: string;
      readonly pinFile: string;
    }
  | { readonly ask: 'make-key'; readonly key: KeyRef; readonly type: 'AES' | 'HMAC'; readonly bits: number }
  | { readonly ask: 'find-key'; readonly key: KeyRef }
  | { readonly ask: 'encrypt' | 'decrypt'; readonly key: KeyRef; readonly cipher: CipherRequest }
  | { readonly ask: 'mac'; readonly key: KeyRef; readonly hash: MacHash }
  | { readonly ask: 'list-keys'; readonly from: number }
  | { readonly ask: 'destroy-key'; readonly key: KeyRef };

/** Why the helper could not, beside the CKR names of PKCS #11. */
export type HelperFault =
  | 'not-installed'
  | 'module-unloadable'
  | 'token-missing'
  | 'token-ambiguous'
  | 'mechanism-missing'
  | 'key-missing'
  | 'key-ambiguous'
  | 'key-unfit'
  | 'pin-file'
  | 'pin-locked'
  | 'pin-final-try'
  | 'request-invalid';
