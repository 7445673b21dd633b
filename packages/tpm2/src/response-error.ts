import { TpmError } from './error.ts';
import { responseCode } from './response-codes.ts';

/** Response codes that ask for the same command again (Part 2, 6.6.3). */
export const retryCodes: ReadonlySet<number> = new Set([0x908, 0x90a, 0x922]);

/** The TPM refused a command. */
export class TpmResponseError extends TpmError {
  override readonly name = 'TpmResponseError';
  /** Name of the command, `TPM2_Quote`. */
  readonly command: string;
  /** The response code as it came. */
  readonly rc: number;
  /** Its name, `TPM_RC_VALUE`. */
  readonly rcName: string;
  /** What it is about: `parameter 2`, `handle 1`, `session 1`. */
  readonly subject: string | undefined;
  /** What to do. */
  readonly advice: string | undefined;

  constructor(command: string, rc: number) {
    const { name, subject, advice } = responseCode(rc);
    const about = subject === undefined ? '' : ` for ${subject}`;
    const hint = advice === undefined ? '' : `: ${advice}`;
    super('response', `${command}: ${name} (0x${rc.toString(16)})${about}${hint}`);
    this.command = command;
    this.rc = rc;
    this.rcName = name;
    this.subject = subject;
    this.advice = advice;
  }
}

/** Whether an error is the TPM's answer with this response code; `TPM_RC_HANDLE` matches whatever handle it is about. */
export const isResponse = (error: unknown, rcName: string): error is TpmResponseError =>
  error instanceof TpmResponseError && error.rcName === rcName;
