/** What went wrong with a real part. */
export type TestingErrorCode =
  | 'not-root'
  | 'no-apt'
  | 'install-failed'
  | 'download-failed'
  | 'no-kernel'
  | 'command-missing'
  | 'command-failed'
  | 'not-ready'
  | 'bad-recording'
  | 'tpm';

/** A real part (package, TPM, virtual machine, libvirt host) that could not be had or did not do its work. */
export class TestingError extends Error {
  override readonly name = 'TestingError';
  readonly code: TestingErrorCode;

  constructor(code: TestingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
