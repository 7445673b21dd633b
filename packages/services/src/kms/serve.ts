import type { TLSSocket } from 'node:tls';
import { fingerprint } from '@vouchsafe/domain/x509/pem';
import { answer, type Engine, type Reply, refusal } from '@vouchsafe/kmip/server/engine';
import { OperationError } from '@vouchsafe/kmip/server/operation-error';
import { soleOwner } from '@vouchsafe/store/sole-owner';
import { AuditFile } from '../audit/file.ts';
import { type Address, addressOf } from '../config/address.ts';
import { KmsAudit } from './audit.ts';
import { openAuthority } from './authority.ts';
import type { KmsClient } from './client.ts';
import { readKmsConfig } from './config.ts';
import { serveConnection } from './connection.ts';
import { kmsEngine } from './engine.ts';
import { kmsLayout, makeKmsFolders } from './layout.ts';
import { type KmsLimits, limitsOf, messageLimits } from './limits.ts';
import { kmsListener } from './listener.ts';
import { openServerIdentity } from './server-certificate.ts';
import type { Session } from './session.ts';
import type { KeyStore } from './store.ts';
import { openKeyStore } from './store-open.ts';
import { TokenKeys } from './token-keys.ts';
import { atMost, type TurnedAway } from './turned-away.ts';
import { watchIdentity } from './watch-identity.ts';

const defaultListen = '127.0.0.1:5696';

/** What a key server is started with; everything but the folder has a default. */
export interface KmsOptions {
  /** Made on the first start, with the server's authority, certificate, root key and database in it. */
  readonly dataDir: string;
  /** Where to listen; else what `kms.toml` says, or 127.0.0.1:5696. Port 0 takes a free one. */
  readonly listen?: Address;
  readonly now?: () => Date;
  /** Told of defects and of peers that were turned away. */
  readonly report?: (event: KmsEvent) => void;
  /** Other limits than those of `kms.toml`. */
  readonly limits?: Partial<KmsLimits>;
}

/** What the server tells its log. */
export type KmsEvent =
  | { readonly event: 'failed'; readonly error: unknown }
  | { readonly event: 'refused'; readonly remote: string; readonly reason: string }
  /** The server shows this certificate from now on. */
  | { readonly event: 'certificate'; readonly fingerprint: string; readonly expires: Date }
  /** A certificate of the server is near its end, or beyond it. */
  | { readonly event: 'expiring'; readonly what: string; readonly expires: Date };

/** A running key server. */
export interface RunningKms {
  readonly address: { readonly host: string; readonly port: number };
  /** The authority that clients are to trust, in PEM. */
  readonly authorityPem: string;
  /** Connections that stand now, those that wait included. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Starts a key server; the first start makes everything it needs. @throws {Problem} */
export async function serveKms(options: KmsOptions): Promise<RunningKms> {
  const now = options.now ?? (() => new Date());
  const layout = kmsLayout(options.dataDir);
  makeKmsFolders(layout);
  const config = readKmsConfig(layout.config);
  const at = options.listen ?? addressOf(config.listen ?? defaultListen);
  await using opened = new AsyncDisposableStack();
  // Two servers would break the chain of the audit file.
  opened.use(soleOwner(layout.lock));
  const authority = await openAuthority(layout, now());
  const names = { listenHost: at.host, names: config.names ?? [], legacyTls: config.legacy_tls ?? false };
  const identify = () => openServerIdentity(layout, authority, names, now());
  const identity = await identify();
  const file = opened.use(AuditFile.open(layout.audit.file, 'kms'));
  const audit = opened.adopt(new KmsAudit(file, config.audit_reads === 'strict'), (each) => each.close());
  const store = opened.use(await openKeyStore(layout));
  const report = options.report ?? (() => {});
  const turnedAway = atMost((remote, reason) => report({ event: 'refused', remote, reason }));
  const failed = (error: unknown) => report({ event: 'failed', error });
  const { token } = config;
  const tokenKeys = token && opened.use(await TokenKeys.open(token, { guard: `${layout.config}.pin-refused` }));
  const finished = tokenKeys?.finishDestroyed(store).catch(failed);
  opened.defer(async () => await finished);
  const limits = { ...limitsOf(config.limits), ...options.limits };
  const engine = kmsEngine(store, audit, { now, report: failed, tokenKeys, limits: messageLimits(limits) });
  const serve = (socket: TLSSocket) => {
    const asked = answering({ engine, store, report, turnedAway }, socket);
    serveConnection(socket, asked.answer, limits);
    asked.client().then(
      (client) => client ?? socket.setTimeout(limits.stranger),
      // The store may be back when a message comes; until then each is told that it is not.
      () => socket.setTimeout(limits.stranger),
    );
  };

  const listener = kmsListener({ identity, limits, serve, refused: turnedAway });
  const address = await listener.listen(at);
  const watch = watchIdentity({ file: layout.server.file, identity, identify, listener, report, now });
  const held = opened.move();
  const close = async () => {
    watch.close();
    await listener.close();
    await held.disposeAsync();
  };
  return {
    address,
    authorityPem: authority.certificatePem,
    get connections() {
      return listener.connections;
    },
    close,
  };
}

interface Setup {
  readonly engine: Engine<KmsClient, Session>;
  readonly store: KeyStore;
  readonly report: (event: KmsEvent) => void;
  readonly turnedAway: TurnedAway;
}

/** Who is on a connection, and what is answered to it. */
interface Asked {
  /** Nothing for a peer that no certificate vouches for. */
  client(): Promise<KmsClient | undefined>;
  answer(message: Uint8Array): Promise<Reply>;
}

/** The client is looked up for every message: one that was removed is out at once, also where a session goes on. */
function answering({ engine, store, report, turnedAway }: Setup, socket: TLSSocket): Asked {
  const certificate = socket.getPeerX509Certificate();
  const print = certificate && fingerprint(certificate);
  const refused = (message: Uint8Array, error: OperationError): Reply => ({
    message: refusal(message, engine.now(), error),
    close: error.reason !== 'General Failure',
  });
  const client = async () => (print === undefined ? undefined : await store.read((tx) => tx.client(print)));
  return {
    client,
    async answer(message) {
      const now = engine.now();
      const current = certificate && certificate.validFromDate <= now && now <= certificate.validToDate;
      try {
        const known = await client();
        if (known !== undefined && current) return await answer(engine, known, message);
        const reason =
          known === undefined ? 'no certificate of a known client' : 'the client certificate is not valid now';
        turnedAway(socket.remoteAddress ?? '', reason);
        return refused(message, new OperationError('Authentication Not Successful', reason));
      } catch (error) {
        report({ event: 'failed', error });
        return refused(message, new OperationError('General Failure', 'the server failed; its log says why'));
      }
    },
  };
}
