import { KmipError } from '../error.ts';
import type { ProtocolVersion } from '../message.ts';
import { discoverVersions } from '../operations/discover-versions.ts';
import { hasOperation, type Operation } from '../operations/operation.ts';
import { sameVersion, versions, versionText } from '../version.ts';
import type { Connection } from './connection.ts';
import { exchange } from './exchange.ts';
import { defaults, type KmipClientOptions, serverText } from './options.ts';
import type { Pool } from './pool.ts';

/** Carries out an operation at the first server that answers. */
export type Send = <Request, Response>(operation: Operation<Request, Response>, request: Request) => Promise<Response>;

/** The versions that clients speak: 1.0 has no Discover Versions. */
const spoken = versions.filter(({ minor }) => minor >= 1);

/** The one to ask for versions in: every server that can be asked understands it. */
const first: ProtocolVersion = { major: 1, minor: 1 };

/** Asks the servers in order. Which failures lead on to the next one is decided by `passOn`. */
export function sender(pools: readonly Pool[], options: KmipClientOptions): Send {
  return async (operation, request) => {
    const deadline = Date.now() + (options.timeout ?? defaults.timeout);
    const failures: KmipError[] = [];
    for (const pool of pools) {
      if (Date.now() >= deadline) break;
      const until = Math.min(deadline, Date.now() + (options.tryTimeout ?? defaults.tryTimeout));
      const progress = { sent: false };
      try {
        return await once(pool, operation, request, until, progress);
      } catch (error) {
        if (!(error instanceof KmipError)) throw error;
        failures.push(passOn(error, operation, progress.sent));
      }
    }
    throw summary(operation, failures);
  };
}

const elsewhere = new Set<string>(['server.unreachable', 'server.untrusted', 'server.timeout', 'version.unsupported']);

/**
 * Returns the failure when the next server may be asked, and throws it when not. A refusal is final: asking elsewhere
 * would only hide it. An operation that must not happen twice is not repeated once it was sent.
 */
function passOn(error: KmipError, operation: Operation<never, unknown> | Operation<unknown, unknown>, sent: boolean) {
  const general = error.reason === 'General Failure';
  if (!elsewhere.has(error.code) && !general) throw error;
  if (sent && !operation.repeatable && !general)
    throw new KmipError(
      'outcome.unknown',
      `${operation.name}: the connection was lost after it was sent; look for the object before it is sent again (${error.message})`,
      { cause: error },
    );
  return error;
}

function summary(operation: { readonly name: string }, failures: readonly KmipError[]): KmipError {
  const [only] = failures;
  if (only !== undefined && failures.length === 1) return only;
  const code = only?.code ?? 'server.timeout';
  const all = failures.map((failure) => failure.message).join('; ');
  return new KmipError(code, `${operation.name}: no server could do it: ${all || 'no time left'}`, { cause: failures });
}

async function once<Request, Response>(
  pool: Pool,
  operation: Operation<Request, Response>,
  request: Request,
  until: number,
  progress: { sent: boolean },
  // What must not happen twice never goes over a kept connection that may be dead.
  fresh = !operation.repeatable,
): Promise<Response> {
  let stale = false;
  try {
    return await pool.with(until, fresh, async (connection) => {
      const reused = connection.used;
      const version = await agree(pool, connection, until);
      if (!hasOperation(operation, version))
        throw new KmipError('version.unsupported', `${operation.name}: not in version ${versionText(version)}`);
      progress.sent = true;
      try {
        return await exchange(connection, version, operation, request, until);
      } catch (error) {
        stale = reused && !connection.answering && error instanceof KmipError && error.code === 'server.unreachable';
        throw error;
      }
    });
  } catch (error) {
    // The server may have been replaced by one that speaks other versions: they are asked for anew.
    if (error instanceof KmipError && (error.code === 'answer.invalid' || error.reason === 'Invalid Message'))
      pool.version = undefined;
    // A server or a load balancer closed the kept connection: the request most likely never arrived.
    if (!stale || !operation.repeatable) throw error;
    return once(pool, operation, request, until, progress, true);
  }
}

/** The best version that both sides speak; asked once and remembered until the server refuses it. */
async function agree(pool: Pool, connection: Connection, until: number): Promise<ProtocolVersion> {
  if (pool.version !== undefined) return pool.version;
  const answer = await exchange(connection, first, discoverVersions, { versions: [...spoken] }, until);
  const common = spoken.find((each) => answer.versions.some((other) => sameVersion(each, other)));
  if (common === undefined) {
    const theirs = answer.versions.map(versionText).join(', ') || 'none';
    const ours = spoken.map(versionText).join(', ');
    throw new KmipError('version.unsupported', `${serverText(pool.server)} speaks ${theirs}; this client ${ours}`);
  }
  pool.version = common;
  return common;
}
