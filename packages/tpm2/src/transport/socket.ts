import { connect, type Socket } from 'node:net';
import { concat } from '@vouchsafe/bytes/hex';
import { TpmError } from '../error.ts';
import { headerSize, largestMessage, type TpmTransport } from './transport.ts';

/** Where a TPM listens: a Unix socket's path, or host and port. */
export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number };

interface Waiting {
  resolve(response: Uint8Array): void;
  reject(error: TpmError): void;
}

/** Longest wait for an answer in milliseconds; hardware may take a minute for an RSA key. */
const patience = 120_000;

/**
 * A TPM behind a stream socket that carries bare commands and responses, as `swtpm socket --server` does. The size in
 * a response's header frames it. After any trouble the connection is of no use any more and says so.
 */
export class SocketTransport implements TpmTransport {
  readonly #socket: Socket;
  readonly #where: string;
  #received = new Uint8Array();
  #waiting: Waiting | undefined;
  #broken: TpmError | undefined;

  private constructor(socket: Socket, where: string) {
    this.#socket = socket;
    this.#where = where;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', (cause) => this.#break(cause.message, cause));
    socket.on('close', () => this.#break('the connection was closed'));
    socket.setTimeout(patience, () => {
      if (this.#waiting !== undefined) this.#break(`no answer within ${patience / 1000} seconds`);
    });
  }

  /** @throws {TpmError} `transport` when nobody listens there */
  static open(address: SocketAddress): Promise<SocketTransport> {
    const where = 'path' in address ? address.path : `${address.host}:${address.port}`;
    const { promise, resolve, reject } = Promise.withResolvers<SocketTransport>();
    const socket = connect({ ...address, noDelay: true });
    const refuse = (cause: Error) =>
      reject(new TpmError('transport', `the TPM at ${where} cannot be reached: ${cause.message}`, { cause }));
    socket.once('error', refuse);
    socket.once('connect', () => {
      socket.off('error', refuse);
      resolve(new SocketTransport(socket, where));
    });
    return promise;
  }

  transmit(command: Uint8Array): Promise<Uint8Array> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    if (this.#waiting !== undefined) throw new TypeError('the TPM still works on another command');
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    this.#waiting = { resolve, reject };
    this.#socket.write(command);
    return promise;
  }

  async close(): Promise<void> {
    if (this.#socket.closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('close', () => resolve());
    this.#socket.destroy();
    await promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #receive(chunk: Uint8Array): void {
    this.#received = concat(this.#received, chunk);
    const size = this.#announced();
    const fault = this.#faultOf(size);
    if (fault !== undefined) this.#break(fault);
    else if (this.#received.length === size) this.#deliver();
  }

  /** Size of the response under way; undefined while its header is not there. */
  #announced(): number | undefined {
    if (this.#received.length < headerSize) return undefined;
    return new DataView(this.#received.buffer).getUint32(2);
  }

  #faultOf(size: number | undefined): string | undefined {
    if (this.#waiting === undefined) return 'bytes came without a command';
    if (size === undefined) return undefined;
    if (size < headerSize || size > largestMessage) return `a response of ${size} bytes was announced`;
    return this.#received.length > size ? 'more came than one response' : undefined;
  }

  #deliver(): void {
    const [waiting, response] = [this.#waiting, this.#received];
    this.#waiting = undefined;
    this.#received = new Uint8Array();
    waiting?.resolve(response);
  }

  #break(reason: string, cause?: Error): void {
    this.#broken ??= new TpmError('transport', `the TPM at ${this.#where} is lost: ${reason}`, { cause });
    this.#socket.destroy();
    this.#waiting?.reject(this.#broken);
    this.#waiting = undefined;
  }
}
