import { X509Certificate } from 'node:crypto';
import type { Provider } from './configuration.ts';
import { connectionTimeout, stateTimeout } from './kmip-source.ts';
import { type PrimaryKeyReport, type PrimaryKeys, pollInterval } from './primary-keys.ts';

export type Health = 'NONE' | 'OK' | 'WARNING' | 'ERROR';

/** One thing that somebody should do something about. */
export interface Complaint {
  readonly severity: 'WARNING' | 'ERROR';
  readonly message: string;
}

/** A key server of a provider, in the words of the vendor contract. */
export interface ServerHealth {
  readonly name: string;
  readonly health: Health;
  readonly details: readonly Complaint[];
  /** We trust the certificate that it shows. */
  readonly client_trust_server: boolean;
  /** It takes our certificate. */
  readonly server_trust_client: boolean;
}

export interface ProviderHealth {
  readonly health: Health;
  readonly details: readonly Complaint[];
  readonly servers: readonly ServerHealth[];
  readonly primary_keys: readonly {
    readonly uid: string;
    readonly role: string;
    readonly state: string | null;
    /** Seconds since a key server last said so. */
    readonly age: number | null;
  }[];
  /** Seconds after which a change of state on the key servers counts here, at the latest. */
  readonly bounds: { readonly reachable: number; readonly unreachable: number };
}

/** Days before its end that a certificate is complained about. */
const expiryWarning = 30;
const day = 24 * 3600;

/** How a provider does, as of the last polls. @param now seconds since 1970 */
export function providerHealth(provider: Provider, keys: PrimaryKeys, revoked: boolean, now: number): ProviderHealth {
  const reports = provider.primary_keys.map(({ uid, role }) => ({ role, ...keys.report(provider, uid) }));
  const servers = provider.servers.map(({ name }) => serverHealth(name, reports));
  const details = [
    ...complain(revoked, 'ERROR', 'it was revoked: nothing is released from it'),
    ...setUp(provider),
    ...reports.flatMap((report) => ofKey(report, provider)),
    ...certificates(provider, now),
  ];
  const all = [...details, ...servers.flatMap((server) => server.details)];
  return {
    health: worstOf(details, all),
    details,
    servers,
    primary_keys: reports.map(({ uid, role, state, age }) => ({ uid, role, state: state ?? null, age: age ?? null })),
    bounds: stateBounds(provider),
  };
}

/** Within how many seconds a change of a key's state is obeyed, while its servers answer and while they do not. */
export const stateBounds = ({ key_ttl, connection_timeout = connectionTimeout }: Provider) => ({
  reachable: pollInterval + Math.min(stateTimeout / 1000, connection_timeout),
  unreachable: Math.max(key_ttl, 2 * pollInterval),
});

/** Errors of single servers do not stop the provider: others answer. */
const worstOf = (own: readonly Complaint[], all: readonly Complaint[]): Health => {
  if (own.some(({ severity }) => severity === 'ERROR')) return 'ERROR';
  return all.length > 0 ? 'WARNING' : 'OK';
};

const complain = (applies: boolean, severity: Complaint['severity'], message: string): Complaint[] =>
  applies ? [{ severity, message }] : [];

const setUp = ({ client_certificate, trusted_certificates }: Provider): Complaint[] => [
  ...complain(client_certificate === undefined, 'ERROR', 'it has no client certificate on this host'),
  ...complain(trusted_certificates.length === 0, 'ERROR', 'it trusts no certificate of a key server'),
];

function ofKey(
  { uid, role, state, age, servers }: PrimaryKeyReport & { role: string },
  provider: Provider,
): Complaint[] {
  const name = `primary key ${uid} (${role})`;
  const silent = servers.length > 0 && servers.every(({ problem }) => problem !== undefined);
  const severity = role === 'current' ? 'ERROR' : 'WARNING';
  const left = Math.max(0, stateBounds(provider).unreachable - (age ?? 0));
  const unreached = `no key server answers; ${name} is used for another ${left} s`;
  return [
    ...complain(servers.length === 0, 'WARNING', `${name}: no key server was asked yet`),
    ...complain(silent && age === undefined, 'ERROR', `${name}: no key server has answered`),
    ...complain(silent && age !== undefined, left === 0 ? 'ERROR' : 'WARNING', unreached),
    ...complain(state === 'Compromised', 'ERROR', `${name} is Compromised: ${onCompromise(provider)}`),
    ...complain(
      state !== undefined && state !== 'Compromised' && (role === 'current' ? state !== 'Active' : unopening(state)),
      severity,
      `${name} is ${state}`,
    ),
  ];
}

const unopening = (state: string): boolean => state !== 'Active' && state !== 'Deactivated';

const onCompromise = ({ deny_compromised }: Provider): string =>
  deny_compromised
    ? 'nothing under it is opened'
    : 'KEKs under it are only wrapped anew; rotate to another key, and encrypt deeply what must stay secret';

function serverHealth(name: string, reports: readonly PrimaryKeyReport[]): ServerHealth {
  const words = reports.flatMap(({ uid, servers }) =>
    servers.filter(({ server }) => server === name).map((word) => ({ uid, word })),
  );
  const [failed] = words.filter(({ word }) => word.problem !== undefined);
  const missing = words.filter(({ word }) => word.state === 'Missing').map(({ uid }) => uid);
  const details = [
    ...complain(failed !== undefined, 'ERROR', failed?.word.problem ?? ''),
    ...complain(missing.length > 0, 'WARNING', `it does not have ${missing.join(', ')} yet`),
  ];
  return {
    name,
    health: words.length === 0 ? 'NONE' : failed !== undefined ? 'ERROR' : missing.length > 0 ? 'WARNING' : 'OK',
    details,
    client_trust_server: failed?.word.distrust !== 'of server' && words.length > 0,
    server_trust_client: failed?.word.distrust !== 'of client' && words.length > 0,
  };
}

/** Their end is seen before anything stops. */
function certificates({ client_certificate, trusted_certificates }: Provider, now: number): Complaint[] {
  const own = client_certificate === undefined ? [] : [['the client certificate', client_certificate] as const];
  const trusted = trusted_certificates.map((pem, i) => [`trusted certificate ${i + 1}`, pem] as const);
  return [...own, ...trusted].flatMap(([what, pem]) => {
    const { validToDate, subject } = new X509Certificate(pem);
    const left = validToDate.getTime() / 1000 - now;
    const named = `${what} (${subject.replaceAll('\n', ', ')})`;
    return [
      ...complain(left <= 0, 'ERROR', `${named} expired on ${validToDate.toISOString()}`),
      ...complain(
        left > 0 && left < expiryWarning * day,
        'WARNING',
        `${named} expires on ${validToDate.toISOString()}: replace it`,
      ),
    ];
  });
}
