import type { AddressInfo } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { fingerprint } from '@vouchsafe/domain/x509/pem';
import { answer, type Engine, type Reply, refusal } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { soleOwner } from '@vouchsafe/store/sole-owner';
import { AuditFile } from '../audit/file.ts';
import { addressText } from '../config/address.ts';
import { listenFault } from '../config/listen-fault.ts';
import { KmsAudit } from './audit.ts';
import { openAuthority, openServerIdentity, type ServerIdentity } from './authority.ts';
import type { KmsClient } from './client.ts';
import { readKmsConfig } from './config.ts';
import { serveConnection } from './connection.ts';
import { kmsEngine } from './engine.ts';
import { kmsLayout, makeKmsFolders } from './layout.ts';
import type { Session } from './session.ts';
import type { KeyStore } from './store.ts';
import { openKeyStore } from './store-open.ts';

/** What a key server is started with; everything but the folder has a default. */
export interface KmsOptions {
  /** Made on the first start, with the server's authority, certificate, root key and database in it. */
  readonly dataDir: string;
  /** Default: all addresses, port 5696. Port 0 takes a free one. */
  readonly listen?: { readonly host?: string; readonly port?: number };
  readonly now?: () => Date;
  /** Told of defects and of peers that were turned away. */
  readonly report?: (event: KmsEvent) => void;
  readonly limits?: Partial<KmsLimits>;
}

/** What the server tells its log. */
export type KmsEvent =
  | { readonly event: 'failed'; readonly error: unknown }
  | { readonly event: 'refused'; readonly remote: string; readonly reason: string };

/** What peers may cost; times are milliseconds. */
export interface KmsLimits {
  readonly handshake: number;
  readonly idle: number;
  readonly message: number;
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

const defaultLimits: KmsLimits = {
  handshake: 5000,
  idle: 300_000,
  message: 10_000,
  connections: 2048,
  connectionsPerAddress: 512,
};

/** A running key server. */
export interface RunningKms {
  readonly address: { readonly host: string; readonly port: number };
  /** The authority that clients are to trust, in PEM. */
  readonly authorityPem: string;
  close(): Promise<void>;
}

/** Starts a key server; the first start makes everything it needs. @throws {Problem} */
export async function serveKms(options: KmsOptions): Promise<RunningKms> {
  const now = options.now ?? (() => new Date());
  const { host = '::', port = 5696 } = options.listen ?? {};
  const layout = kmsLayout(options.dataDir);
  makeKmsFolders(layout);
  await using opened = new AsyncDisposableStack();
  // Two servers would break the chain of the audit file.
  opened.use(soleOwner(layout.lock));
  const authority = await openAuthority(layout, now());
  const identity = await openServerIdentity(layout, authority, host, now());
  const strict = readKmsConfig(layout.config).audit_reads === 'strict';
  const file = opened.use(AuditFile.open(layout.audit.file, 'kms'));
  const audit = opened.adopt(new KmsAudit(file, strict), (each) => each.close());
  const store = opened.use(await openKeyStore(layout));
  const report = options.report ?? (() => {});
  const engine = kmsEngine(store, audit, { now, report: (error) => report({ event: 'failed', error }) });
  const limits = { ...defaultLimits, ...options.limits };
  const { server, sockets } = listener({
    identity,
    authorityPem: authority.certificatePem,
    engine,
    store,
    limits,
    report,
  });
  const address = await listen(server, host, port);
  const held = opened.move();
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
    await held.disposeAsync();
  };
  return { address, authorityPem: authority.certificatePem, close };
}

interface Setup {
  readonly identity: ServerIdentity;
  readonly authorityPem: string;
  readonly engine: Engine<KmsClient, Session>;
  readonly store: KeyStore;
  readonly limits: KmsLimits;
  readonly report: (event: KmsEvent) => void;
}

function listener(setup: Setup): { server: Server; sockets: Set<{ destroy(): void }> } {
  const { identity, limits, report } = setup;
  const sockets = new Set<{ destroy(): void }>();
  const perAddress = new Map<string, number>();
  const server = createServer({
    cert: identity.certificate,
    key: identity.key,
    ca: setup.authorityPem,
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    requestCert: true,
    // Who may talk is decided by the certificate's fingerprint in `admitted`, not by who issued it. A peer without
    // certificate is let in to be told so: some clients come first without one, only to read ours.
    rejectUnauthorized: false,
    handshakeTimeout: limits.handshake,
    sessionIdContext: 'kms',
    noDelay: true,
  });
  server.maxConnections = limits.connections;
  server.on('connection', (socket) => {
    const remote = socket.remoteAddress ?? '';
    const count = (perAddress.get(remote) ?? 0) + 1;
    if (count > limits.connectionsPerAddress) return socket.destroy();
    perAddress.set(remote, count);
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      const left = perAddress.get(remote)! - 1;
      if (left === 0) perAddress.delete(remote);
      else perAddress.set(remote, left);
    });
  });
  server.on('secureConnection', (socket) => serveConnection(socket, answering(setup, socket), limits));
  server.on('tlsClientError', (error, socket) => {
    report({ event: 'refused', remote: socket.remoteAddress ?? '', reason: error.message });
    socket.destroy();
  });
  return { server, sockets };
}

/** The client is looked up for every message: one that was removed is out at once. */
function answering({ engine, store, report }: Setup, socket: TLSSocket): (message: Uint8Array) => Promise<Reply> {
  const certificate = socket.getPeerX509Certificate();
  const print = certificate && fingerprint(certificate);
  const refused = (message: Uint8Array, error: OperationError): Reply => ({
    message: refusal(message, engine.now(), error),
    close: error.reason !== 'General Failure',
  });
  return async (message) => {
    const now = engine.now();
    const current = certificate && certificate.validFromDate <= now && now <= certificate.validToDate;
    try {
      const client = print === undefined ? undefined : await store.read((tx) => tx.client(print));
      if (client !== undefined && current) return await answer(engine, client, message);
      const reason =
        client === undefined ? 'no certificate of a known client' : 'the client certificate is not valid now';
      report({ event: 'refused', remote: socket.remoteAddress ?? '', reason });
      return refused(message, new OperationError('Authentication Not Successful', reason));
    } catch (error) {
      report({ event: 'failed', error });
      return refused(message, new OperationError('General Failure', 'the server failed; its log says why'));
    }
  };
}

async function listen(server: Server, host: string, port: number): Promise<{ host: string; port: number }> {
  await new Promise<void>((resolve, refuse) => {
    const reject = (cause: Error) => refuse(listenFault(addressText({ host, port }), cause));
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address() as AddressInfo;
  return { host: bound.address, port: bound.port };
}
