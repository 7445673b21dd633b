import { createConnection, type Socket } from 'node:net';
import { concat, fromHex } from '@vouchsafe/bytes/hex';
import { TestingError } from './error.ts';

const TPM_ST_NO_SESSIONS = 0x8001;
const TPM_ST_SESSIONS = 0x8002;
const TPM_RC_INITIALIZE = 0x100;
const commandCodes = { startup: 0x144, pcrExtend: 0x182, pcrRead: 0x17e } as const;
const sha256 = '000b';
/** One authorization: TPM_RS_PW with an empty password. */
const emptyPassword = fromHex('00000009' + '40000009' + '0000' + '00' + '0000');

/**
 * The few TPM commands that bring a TPM into the state of a recorded boot, for the SHA-256 bank.
 * TPM 2.0 Part 3: TPM2_Startup, TPM2_PCR_Extend, TPM2_PCR_Read
 */
export class RawTpm implements Disposable {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static connect(path: string): Promise<RawTpm> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path, () => resolve(new RawTpm(socket)));
      socket.once('error', reject);
    });
  }

  /** TPM2_Startup(CLEAR); a TPM that was started already is no error. */
  async startup(): Promise<void> {
    await this.#command(TPM_ST_NO_SESSIONS, commandCodes.startup, fromHex('0000'), [TPM_RC_INITIALIZE]);
  }

  async extend(pcr: number, digest: Uint8Array): Promise<void> {
    const body = concat(u32(pcr), emptyPassword, fromHex(`00000001${sha256}`), digest);
    await this.#command(TPM_ST_SESSIONS, commandCodes.pcrExtend, body);
  }

  async read(pcr: number): Promise<Uint8Array> {
    const select = [0, 1, 2].map((octet) => (pcr >> 3 === octet ? 1 << (pcr & 7) : 0));
    const body = concat(fromHex(`00000001${sha256}03`), Uint8Array.from(select));
    const answer = await this.#command(TPM_ST_NO_SESSIONS, commandCodes.pcrRead, body);
    return answer.subarray(-32);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #command(tag: number, code: number, body: Uint8Array, allowed: readonly number[] = []): Promise<Uint8Array> {
    this.#socket.write(concat(u32(tag).subarray(2), u32(10 + body.length), u32(code), body));
    const answer = await this.#answer();
    const result = answer.readUInt32BE(6);
    if (result !== 0 && !allowed.includes(result)) {
      throw new TestingError('tpm', `TPM command 0x${code.toString(16)}: response code 0x${result.toString(16)}`);
    }
    return answer;
  }

  async #answer(): Promise<Buffer> {
    let answer = Buffer.alloc(0);
    while (answer.length < 10 || answer.length < answer.readUInt32BE(2)) {
      answer = Buffer.concat([answer, await this.#chunk()]);
    }
    return answer;
  }

  #chunk(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const closed = () => reject(new TestingError('tpm', 'the TPM closed the connection'));
      this.#socket.once('close', closed);
      this.#socket.once('data', (data) => {
        this.#socket.off('close', closed);
        resolve(data);
      });
    });
  }
}

function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
