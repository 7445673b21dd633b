/**
 * How the key server and its PKCS#11 helper talk over pipes: each frame is its length in four octets, big-endian, the
 * length of its head in two, the head as JSON, and the octets of its body. Secrets stand in the body only, so that none
 * becomes a string.
 */
export interface Frame {
  readonly head: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
}

const lengthBytes = 4;
const headLengthBytes = 2;
/** The longest frame, in octets behind its length. */
export const frameLimit = 1024 * 1024;

/** @throws {RangeError} when it is longer than a frame may be */
export function encodeFrame({ head, body }: Frame): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = headLengthBytes + text.length + body.length;
  if (text.length > 0xffff || length > frameLimit)
    throw new RangeError(`a frame of ${length} octets: expected at most ${frameLimit}`);
  const frame = Buffer.alloc(lengthBytes + length);
  frame.writeUInt32BE(length);
  frame.writeUInt16BE(text.length, lengthBytes);
  frame.set(text, lengthBytes + headLengthBytes);
  frame.set(body, lengthBytes + headLengthBytes + text.length);
  return frame;
}

/** Gathers frames from what arrives, and wipes what it has handed on. Bodies are the caller's to wipe. */
export class FrameReader {
  #held = Buffer.alloc(0);

  /** @throws {RangeError} when a length is beyond the limit, {SyntaxError} when a head is no JSON object */
  *push(chunk: Uint8Array): Generator<Frame> {
    const before = this.#held;
    this.#held = Buffer.concat([before, chunk]);
    before.fill(0);
    chunk.fill(0);
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) return;
      yield frame;
    }
  }

  #next(): Frame | undefined {
    if (this.#held.length < lengthBytes) return undefined;
    const length = this.#held.readUInt32BE();
    if (length > frameLimit || length < headLengthBytes)
      throw new RangeError(`length of a frame: ${length}, expected ${headLengthBytes} to ${frameLimit}`);
    const end = lengthBytes + length;
    if (this.#held.length < end) return undefined;
    const whole = this.#held.subarray(lengthBytes, end);
    const frame = decoded(whole);
    this.#held = Buffer.from(this.#held.subarray(end));
    whole.fill(0);
    return frame;
  }
}

function decoded(whole: Buffer): Frame {
  const headEnd = headLengthBytes + whole.readUInt16BE();
  if (headEnd > whole.length) throw new RangeError('length of a head: longer than its frame');
  const head: unknown = JSON.parse(whole.toString('utf8', headLengthBytes, headEnd));
  if (typeof head !== 'object' || head === null || Array.isArray(head))
    throw new SyntaxError('head of a frame: expected a JSON object');
  return { head: head as Frame['head'], body: new Uint8Array(whole.subarray(headEnd)) };
}
