/** What can be wrong with a domain XML or a stored profile. */
export type ProfileErrorCode =
  | 'xml.too-large'
  | 'xml.doctype'
  | 'xml.not-well-formed'
  | 'xml.too-deep'
  | 'domain.not-a-domain'
  | 'domain.invalid'
  | 'profile.invalid';

/** A domain XML or a profile that cannot be used. The message names the element and what was expected. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
  readonly code: ProfileErrorCode;

  constructor(code: ProfileErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
