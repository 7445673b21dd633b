import { setTimeout as sleep } from 'node:timers/promises';
import { type Authorization, password } from './authorization.ts';
import { authorizations, type Command } from './command.ts';
import { FlushContext } from './commands/flush-context.ts';
import type { Entity } from './entity.ts';
import { TpmError } from './error.ts';
import { type Answer, decodeResponse, encodeCommand, madeHandleOf, responseCodeOf } from './message.ts';
import { retryCodes } from './response-error.ts';
import type { TpmTransport } from './transport/transport.ts';

/** What a {@link Tpm} takes from its surroundings. */
export interface TpmOptions {
  /** Waits so many milliseconds. */
  readonly wait?: (milliseconds: number) => Promise<unknown>;
}

/** Waits between tries in milliseconds: about ten seconds together, for self-tests after power-on. */
const backOff = [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120];

/** A TPM: one command at a time, retried while the TPM asks for it, every answer checked. */
export class Tpm implements AsyncDisposable {
  readonly #transport: TpmTransport;
  readonly #wait: (milliseconds: number) => Promise<unknown>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(transport: TpmTransport, { wait = (ms) => sleep(ms) }: TpmOptions = {}) {
    this.#transport = transport;
    this.#wait = wait;
  }

  /**
   * Runs a command.
   * @param auths authorizations of the `@` handles in their order, then sessions that only protect parameters; missing
   *   ones are the empty password
   * @throws {TpmResponseError} when the TPM refuses the command
   * @throws {TpmError} `transport`, or `answer` when the answer is not to be believed
   * @throws {DecodeError} when the answer is malformed
   */
  run<In, Out>(
    command: Command<In, Out>,
    parameters: In,
    handles: readonly Entity[] = [],
    auths: readonly Authorization[] = [],
  ): Promise<Answer<Out>> {
    if (handles.length !== command.handles.length)
      throw new TypeError(`${command.name}: ${handles.length} handles, expected ${command.handles.join(', ')}`);
    const missing = Math.max(0, authorizations(command) - auths.length);
    const all = [...auths, ...Array.from({ length: missing }, () => password())];
    const result = this.#last.then(() => this.#run(command, parameters, handles, all));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Closes the transport after the commands under way. */
  async close(): Promise<void> {
    await this.#last;
    await this.#transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run<In, Out>(
    command: Command<In, Out>,
    parameters: In,
    handles: readonly Entity[],
    auths: readonly Authorization[],
  ): Promise<Answer<Out>> {
    const bytes = encodeCommand(command as Command, handles, parameters, auths);
    let response: Uint8Array = new Uint8Array();
    try {
      response = await this.#exchange(bytes);
      return await this.#flushingOnError(command as Command, response, () => decodeResponse(command, response, auths));
    } finally {
      bytes.fill(0);
      response.fill(0);
    }
  }

  async #exchange(bytes: Uint8Array): Promise<Uint8Array> {
    for (const delay of backOff) {
      const response = await this.#transport.transmit(bytes);
      if (!retryCodes.has(responseCodeOf(response))) return response;
      await this.#wait(delay);
    }
    return this.#transport.transmit(bytes);
  }

  /** An answer that is refused after the TPM made something must not leave a slot taken. */
  async #flushingOnError<T>(command: Command, response: Uint8Array, f: () => T): Promise<T> {
    try {
      return f();
    } catch (error) {
      if (command.makes && responseCodeOf(response) === 0) await this.#flush(madeHandleOf(command, response));
      throw error;
    }
  }

  async #flush(flushHandle: number): Promise<void> {
    const bytes = encodeCommand(FlushContext as Command, [], { flushHandle }, []);
    await this.#transport.transmit(bytes).catch((cause) => {
      throw new TpmError('transport', `handle 0x${flushHandle.toString(16)} could not be flushed`, { cause });
    });
  }
}
