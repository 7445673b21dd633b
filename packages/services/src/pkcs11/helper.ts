import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { encodeFrame, type Frame, FrameReader } from './frames.ts';
import type { TokenRequest } from './key-facts.ts';
import type { Pkcs11 } from './module.ts';
import { TokenFault, TokenSession } from './session.ts';

/**
 * The process that holds the module of a token's vendor: what crashes or reads memory there is not the key server.
 * Frames come in at standard input and go out at descriptor 3, since modules print where they please. It ends when its
 * input does.
 *
 *     node helper.ts PACKAGE
 *
 * where PACKAGE is the package.json beside which pkcs11js is installed.
 */
const [packageFile = ''] = process.argv.slice(2);
// Part of a core dump would be the PIN and what the token decrypted.
writeFileSync('/proc/self/coredump_filter', '0x0\n');
const out = new Socket({ fd: 3, readable: false, writable: true });
const reader = new FrameReader();
let session: TokenSession | undefined;

process.stdin.on('data', (chunk: Buffer) => {
  for (const frame of reader.push(chunk)) {
    const answer = answered(frame);
    out.write(answer, () => void answer.fill(0));
  }
});
process.stdin.on('end', () => process.exit(0));

function answered({ head, body }: Frame): Uint8Array {
  const data = Buffer.from(body.buffer, body.byteOffset, body.length);
  try {
    const { facts = {}, octets } = perform(head as unknown as TokenRequest, data);
    const frame = encodeFrame({ head: { id: head.id, ...facts }, body: octets ?? new Uint8Array() });
    octets?.fill(0);
    return frame;
  } catch (cause) {
    const { message } = cause as Error;
    const code =
      cause instanceof TokenFault ? cause.code : (/^CKR_[A-Z0-9_]+/.exec(message)?.[0] ?? 'CKR_GENERAL_ERROR');
    return encodeFrame({ head: { id: head.id, fault: code, detail: message.slice(0, 1024) }, body: new Uint8Array() });
  } finally {
    data.fill(0);
  }
}

interface Performed {
  readonly facts?: Record<string, unknown>;
  readonly octets?: Buffer;
}

function perform(request: TokenRequest, data: Buffer): Performed {
  if (request.ask === 'open') {
    if (session !== undefined) throw new TokenFault('request-invalid', 'there is a session already');
    session = TokenSession.open(loadModule(), request);
    const { label, manufacturerID, model, serialNumber } = session.info;
    const facts = { token: label, manufacturer: manufacturerID, model, serial: serialNumber };
    return { facts: Object.fromEntries(Object.entries(facts).map(([name, text]) => [name, text.trim()])) };
  }
  if (session === undefined) throw new TokenFault('request-invalid', 'there is no session yet');
  switch (request.ask) {
    case 'make-key':
      session.makeKey(request.key, request.type, request.bits);
      return {};
    case 'find-key':
      session.findKey(request.key);
      return {};
    case 'encrypt':
      return { octets: session.encrypt(request.key, request.cipher, data) };
    case 'decrypt':
      return { octets: session.decrypt(request.key, request.cipher, data) };
    case 'mac':
      return { octets: session.mac(request.key, request.hash, data) };
    case 'list-keys':
      return { octets: Buffer.from(JSON.stringify(session.listKeys(request.from))) };
    case 'destroy-key':
      session.destroyKey(request.key);
      return {};
  }
}

function loadModule(): Pkcs11 {
  try {
    const { PKCS11 } = createRequire(packageFile)('pkcs11js') as { PKCS11: new () => Pkcs11 };
    return new PKCS11();
  } catch (cause) {
    throw new TokenFault('not-installed', (cause as Error).message.split('\n')[0] ?? '');
  }
}
