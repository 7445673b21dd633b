import { connect } from 'node:net';
import { concat } from '@vouchsafe/bytes/hex';
import { TpmError } from '../error.ts';
import type { SocketAddress } from '../transport/socket.ts';

/** swtpm, include/swtpm/tpm_ioctl.h: commands of the control channel. */
const commands = { init: 2, shutdown: 3, hashStart: 6, hashData: 7, hashEnd: 8 } as const;

/** Longest data of one HASH_DATA (tpm_ioctl.h, ptm_hdata). */
const hashChunk = 4096;

/** Longest wait for an answer in milliseconds. */
const patience = 10_000;

const u32 = (value: number) => new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);

/** The control channel of swtpm: what a platform does to its TPM. One connection a request. */
export class SwtpmControl {
  readonly #address: SocketAddress;

  constructor(address: SocketAddress) {
    this.#address = address;
  }

  /** Resets the TPM as a reboot does; TPM2_Startup comes next. */
  reset(): Promise<void> {
    return this.#request('init', u32(0));
  }

  /** Stops the TPM; swtpm itself ends. */
  shutdown(): Promise<void> {
    return this.#request('shutdown');
  }

  /** Measures `data` at locality 4 as a dynamic launch does: PCR 17 to 22 are reset, 17 is extended. */
  async dynamicLaunch(data: Uint8Array): Promise<void> {
    await this.#request('hashStart');
    for (let at = 0; at < data.length; at += hashChunk) {
      const part = data.subarray(at, at + hashChunk);
      await this.#request('hashData', concat(u32(part.length), part));
    }
    await this.#request('hashEnd');
  }

  /** Code and body in big-endian order; the answer is a result, 0 when all is well. */
  async #request(command: keyof typeof commands, body: Uint8Array = new Uint8Array()): Promise<void> {
    const result = await this.#exchange(concat(u32(commands[command]), body));
    if (result !== 0) throw new TpmError('answer', `swtpm refused ${command}: 0x${result.toString(16)}`);
  }

  #exchange(request: Uint8Array): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const socket = connect({ ...this.#address, noDelay: true }, () => socket.write(request));
    let received: Uint8Array = new Uint8Array();
    socket.on('data', (chunk) => {
      received = concat(received, chunk);
      if (received.length >= 4) socket.end();
    });
    socket.setTimeout(patience, () => socket.destroy(new Error(`no answer within ${patience / 1000} seconds`)));
    socket.on('error', (cause) =>
      reject(new TpmError('transport', `swtpm's control channel: ${cause.message}`, { cause })),
    );
    socket.on('close', () => {
      if (received.length === 4) resolve(new DataView(received.buffer, received.byteOffset).getUint32(0));
      else reject(new TpmError('transport', "swtpm's control channel closed without an answer"));
    });
    return promise;
  }
}
