import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import {
  type ProtocolVersion,
  RequestMessage,
  type ResponseHeader,
  type ResponseItem,
  ResponseMessage,
} from '../message.ts';
import { discoverVersions } from '../operations/discover-versions.ts';
import { Framer } from '../ttlv/framer.ts';
import { decodeItem, encodeItem } from '../ttlv/item.ts';
import { bound } from '../ttlv/lazy.ts';

/** What a fake server does with a request: octets to send, nothing ever, the end of the connection, or anything else. */
export type Reaction = Uint8Array | 'silence' | 'close' | ((socket: TLSSocket) => void);

/** Decides about the `n`th request (from 1) that is no Discover Versions. */
export type Script = (request: RequestMessage, n: number) => Reaction;

/** A server over real TLS that answers Discover Versions honestly and everything else as its script says. */
export interface FakeServer {
  readonly port: number;
  /** Operations that arrived, in order. */
  readonly seen: string[];
  /** Connections that were made. */
  readonly connections: () => number;
  /** Ends all connections, as a load balancer does with idle ones. */
  drop(): void;
  close(): Promise<void>;
}

/** Starts a fake server on a free port. */
export async function fakeKmipServer(options: {
  readonly certificate: string;
  readonly key: string;
  readonly script: Script;
  readonly versions?: readonly ProtocolVersion[];
  /** Answers Discover Versions by the script as well. */
  readonly scripted?: boolean;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly tls?: TlsOptions;
  /** Sent on each connection before anything was asked. */
  readonly greeting?: Uint8Array;
}): Promise<FakeServer> {
  const sockets = new Set<TLSSocket>();
  const seen: string[] = [];
  let connections = 0;
  let n = 0;
  const react = (octets: Uint8Array): Reaction => {
    const request = decodeItem(RequestMessage, octets);
    const [item] = request.items;
    seen.push(item?.operation ?? 'nothing');
    if (item?.operation !== 'Discover Versions' || options.scripted === true) return options.script(request, ++n);
    const versions = [...(options.versions ?? [{ major: 1, minor: 1 }])];
    return respond(request, { payload: bound(discoverVersions.response, { versions }) });
  };
  const server = createServer({
    cert: options.certificate,
    key: options.key,
    requestCert: true,
    rejectUnauthorized: false,
    ...options.tls,
  });
  server.on('secureConnection', (socket) => {
    connections++;
    sockets.add(socket);
    const framer = new Framer('Request Message');
    if (options.greeting !== undefined) socket.write(options.greeting);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      framer.push(chunk);
      for (let message = framer.next(); message !== undefined; message = framer.next()) {
        const reaction = react(message);
        if (reaction === 'close') socket.destroy();
        else if (typeof reaction === 'function') reaction(socket);
        else if (reaction !== 'silence') socket.write(reaction);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, options.host ?? '127.0.0.1', resolve));
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  const close = async () => {
    drop();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, seen, connections: () => connections, drop, close };
}

/** The honest answer to the first item of a request, apart from what is given. */
export function respond(
  request: RequestMessage,
  item: Partial<ResponseItem>,
  header: Partial<ResponseHeader> = {},
  more: readonly ResponseItem[] = [],
): Buffer<ArrayBuffer> {
  const [asked] = request.items;
  const first: ResponseItem = { operation: asked?.operation, id: asked?.id, status: 'Success', ...item };
  const { version } = request.header;
  return encodeItem(ResponseMessage, {
    header: { version, time: new Date(0), attestationTypes: [], batchCount: 1 + more.length, ...header },
    items: [first, ...more],
  });
}
