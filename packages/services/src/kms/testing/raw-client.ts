import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { ResponseMessage } from '@vouchsafe/kmip/message';
import { Framer } from '@vouchsafe/kmip/ttlv/framer';
import { decodeItem, type ValueOf } from '@vouchsafe/kmip/ttlv/item';
import type { ClientFiles } from '../clients.ts';

/** A TLS connection that sends any octets and reads whole answers. */
export interface RawClient {
  readonly socket: TLSSocket;
  send(octets: Uint8Array): void;
  /** The next answer; nothing when the connection ended first. */
  receive(): Promise<ValueOf<typeof ResponseMessage> | undefined>;
  ask(octets: Uint8Array): Promise<ValueOf<typeof ResponseMessage>>;
  /** Resolves when the server ended the connection. */
  ended: Promise<void>;
  close(): void;
}

/** Connects with the files of a client, or without any certificate. */
export async function rawClient(
  port: number,
  files?: ClientFiles,
  options: ConnectionOptions = {},
): Promise<RawClient> {
  const identity = files && { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...identity, ...options });
  const framer = new Framer('Response Message');
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let wake = () => {};
  let over = false;
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    framer.push(chunk);
    wake();
  });
  socket.on('close', () => {
    over = true;
    wake();
  });
  await once(socket, 'secureConnect');
  const receive = async () => {
    for (;;) {
      const message = framer.next();
      if (message !== undefined) return decodeItem(ResponseMessage, message);
      if (over) return undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    socket,
    ended,
    receive,
    send: (octets) => void socket.write(Buffer.from(octets)),
    async ask(octets) {
      socket.write(Buffer.from(octets));
      const answer = await receive();
      if (answer === undefined) throw new Error('the server ended the connection without an answer');
      return answer;
    },
    close: () => void socket.destroy(),
  };
}
