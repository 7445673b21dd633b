/** A way to a TPM. */
export interface TpmTransport extends AsyncDisposable {
  /**
   * Sends one command and waits for its response. One command at a time: `Tpm` puts them in a row.
   * @returns a whole response, the caller's to wipe; its header is judged no further than framing needs
   * @throws {TpmError} `transport` when the TPM cannot be reached or stops answering
   */
  transmit(command: Uint8Array): Promise<Uint8Array>;
  /** Closes the way; the TPM keeps its objects and sessions. */
  close(): Promise<void>;
}

/** Most bytes of a command or response (PC Client Platform TPM Profile, TPM_PT_MAX_COMMAND_SIZE). */
export const largestMessage = 4096;
/** Bytes of a response's header: tag, size, code (Part 1, 18.2). */
export const headerSize = 10;
