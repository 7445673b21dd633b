import { type Codec, constant, decode, encode, type Infer, oneOf, rest, struct, u32 } from '@vouchsafe/bytes/codec';
import { DecodeError } from '@vouchsafe/bytes/reader';
import { int, optional, string } from './xdr.ts';

/** Sources: src/rpc/virnetprotocol.x and src/remote/remote_protocol.x of libvirt 9.0. */

/** REMOTE_PROGRAM and REMOTE_PROTOCOL_VERSION. */
const program = 0x20008086;
/** Bytes of the length word, which counts itself. */
const lengthBytes = 4;
const headerBytes = 24;
/** Our own limit of one message; VIR_NET_MESSAGE_MAX allows 32 MiB, of which strings fill 4. */
export const maxMessage = 8 << 20;

/** REMOTE_STRING_MAX. */
export const text = string(4 << 20);

/** virNetMessageHeader. */
const Header = struct('virNetMessageHeader', {
  prog: constant(u32, program),
  vers: constant(u32, 1),
  proc: int,
  type: oneOf(u32, { call: 0, reply: 1, message: 2, stream: 3 }),
  serial: u32,
  status: oneOf(u32, { ok: 0, error: 1, continue: 2 }),
});

const Message = struct('virNetMessage', { header: Header, payload: rest('payload', maxMessage) });
export type Message = Infer<typeof Message>;

/** remote_nonnull_domain: `id` is -1 unless the domain runs. */
export const Domain = struct('remote_nonnull_domain', {
  name: text,
  uuid: uuidBytes('remote_uuid'),
  id: int,
});

const Network = struct('remote_nonnull_network', { name: text, uuid: uuidBytes('remote_uuid') });

/** virNetMessageError. */
export const RemoteError = struct('virNetMessageError', {
  code: int,
  domain: int,
  message: optional(text),
  level: int,
  dom: optional(Domain),
  str1: optional(text),
  str2: optional(text),
  str3: optional(text),
  int1: int,
  int2: int,
  net: optional(Network),
});

/** VIR_UUID_BUFLEN bytes, as text with hyphens. */
export function uuidBytes(name: string): Codec<string> {
  return {
    name,
    read: (reader) =>
      Buffer.from(reader.take(16))
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    write(writer, value) {
      if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) throw new TypeError(`${name}: not a UUID`);
      writer.put(Buffer.from(value.replaceAll('-', ''), 'hex'));
    },
  };
}

/** A call with its length in front. */
export function encodeCall(proc: number, serial: number, args: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = { prog: program, vers: 1, proc, type: 'call', serial, status: 'ok' } as const;
  const length = lengthBytes + headerBytes + args.length;
  return encode(struct('call', { length: u32, message: Message }), { length, message: { header, payload: args } });
}

/** A message without its length. @throws {DecodeError} */
export const decodeMessage = (bytes: Uint8Array): Message => decode(Message, bytes);

/** Cuts a stream of bytes into messages; holds at most one message and the last piece that came. */
export class Frames {
  #pieces: Uint8Array[] = [];
  #held = 0;

  /** Messages that are complete now. @throws {DecodeError} for a length that no message has */
  push(piece: Uint8Array): Uint8Array[] {
    this.#pieces.push(piece);
    this.#held += piece.length;
    const found: Uint8Array[] = [];
    for (let size = this.#size(); size !== undefined && this.#held >= size; size = this.#size())
      found.push(this.#take(size).subarray(lengthBytes));
    return found;
  }

  #size(): number | undefined {
    if (this.#held < lengthBytes) return undefined;
    if (this.#pieces[0]!.length < lengthBytes) this.#join();
    const size = decode(u32, this.#pieces[0]!.subarray(0, lengthBytes));
    if (size < lengthBytes + headerBytes || size > maxMessage)
      throw new DecodeError(
        'virNetMessage.length',
        0,
        `${size} bytes, expected ${lengthBytes + headerBytes}..${maxMessage}`,
      );
    return size;
  }

  #take(size: number): Uint8Array {
    this.#join();
    const whole = this.#pieces[0]!;
    this.#pieces = [whole.subarray(size)];
    this.#held -= size;
    return whole.subarray(0, size);
  }

  #join(): void {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
  }
}
