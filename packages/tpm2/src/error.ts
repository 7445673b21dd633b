/** What kind of trouble a {@link TpmError} is. */
export type TpmErrorCode =
  /** The TPM answered with a response code. */
  | 'response'
  /** The answer is not what the command's answer looks like, or its authorization is false. */
  | 'answer'
  /** The TPM cannot be reached, or its connection broke. */
  | 'transport'
  /** A public area holds no key that may be relied on. */
  | 'key'
  /** A credential cannot be made with what was given. */
  | 'credential'
  /** The TPM lacks something that was asked for. */
  | 'missing';

/** Everything that goes wrong in this package apart from malformed structures (`DecodeError`). */
export class TpmError extends Error {
  override readonly name: string = 'TpmError';
  readonly code: TpmErrorCode;

  constructor(code: TpmErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
