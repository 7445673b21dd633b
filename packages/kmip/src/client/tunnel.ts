import { connect, type Socket } from 'node:net';
import { KmipError } from '../error.ts';
import { addressText, type KmipProxy } from './options.ts';
import { base64 } from './private-key.ts';

/** Octets of a proxy's answer; real ones have a few hundred. */
const longest = 16_384;

/**
 * Has an HTTP proxy open a tunnel (RFC 9110, 9.3.6).
 * @param target `host:port`, an IPv6 address in brackets
 * @param opened is given the socket as soon as there is one, so that a deadline can end it
 * @throws {KmipError} `proxy.refused` with the proxy's status
 */
export async function tunnel(
  proxy: Extract<KmipProxy, { kind: 'connect' }>,
  target: string,
  opened: (socket: Socket) => void,
): Promise<Socket> {
  const socket = connect({ host: proxy.host, port: proxy.port, noDelay: true });
  opened(socket);
  const request = connectRequest(proxy, target);
  socket.write(request, () => request.fill(0));
  const status = await statusLine(socket);
  const name = `proxy ${addressText(proxy.host, proxy.port)}`;
  if (status === undefined) throw new KmipError('proxy.refused', `${name}: no answer of an HTTP proxy`);
  if (status.code >= 200 && status.code < 300) return socket;
  const hint = status.code === 407 ? '; it wants a user name and password' : '';
  throw new KmipError('proxy.refused', `${name}: no tunnel to ${target}: ${status.code} ${status.words}${hint}`);
}

/** RFC 7617: the password stands in octets that are wiped once they were sent. */
function connectRequest({ username, password }: Extract<KmipProxy, { kind: 'connect' }>, target: string): Buffer {
  const head = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n`;
  if (username === undefined) return Buffer.from(`${head}\r\n`);
  const user = Buffer.from(`${username}:`);
  const pair = Buffer.alloc(user.length + (password?.length ?? 0));
  pair.set(user);
  password?.use((octets) => pair.set(octets, user.length));
  const encoded = base64(pair);
  pair.fill(0);
  const request = Buffer.concat([Buffer.from(`${head}Proxy-Authorization: Basic `), encoded, Buffer.from('\r\n\r\n')]);
  encoded.fill(0);
  return request;
}

/** Reads exactly the head of the answer; nothing when it is none. What follows belongs to the tunnel. */
async function statusLine(socket: Socket): Promise<{ code: number; words: string } | undefined> {
  const head = await headOf(socket);
  const [, code, words = ''] = /^HTTP\/1\.[01] ([1-5]\d\d)(?: ([^\r\n]*))?\r\n/.exec(head) ?? [];
  if (code === undefined) return undefined;
  return { code: Number(code), words: words.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 100) };
}

function headOf(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let held = Buffer.alloc(0);
  const look = () => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read()) {
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf('\r\n\r\n');
      if (end < 0 && held.length <= longest) continue;
      const rest = end < 0 ? Buffer.alloc(0) : held.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
      resolve(end < 0 ? '' : held.toString('latin1', 0, end + 2));
      return;
    }
  };
  const ended = () => resolve('');
  socket.on('readable', look).once('error', reject).once('close', ended);
  return promise.finally(() => {
    socket.off('readable', look).off('error', reject).off('close', ended);
  });
}
