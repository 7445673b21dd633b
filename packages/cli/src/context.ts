import { Problem } from '@vouchsafe/domain/problem';
import { type HostPart, pathsOf } from '@vouchsafe/services/config/paths';
import { HttpClient } from '@vouchsafe/services/http/client';
import type { Command } from 'commander';
import type { Dispatcher } from 'undici';
import type { Format } from './output.ts';

interface GlobalOptions {
  readonly output: Format;
  readonly run: string;
}

export const globalsOf = (command: Command): GlobalOptions => command.optsWithGlobals<GlobalOptions>();

/**
 * One call of the management API of a part of this host.
 * @throws {Problem} what the part says, or `host.not-ready` with what to start
 */
export async function callPart(
  command: Command,
  part: HostPart | 'host',
  method: Dispatcher.HttpMethod,
  path: string,
  body?: unknown,
): Promise<unknown> {
  const client = partClient(command, part);
  try {
    return (await client.call(method, path, body)).body;
  } catch (error) {
    throw ofThisHost(error, part);
  } finally {
    await client.close();
  }
}

/** A client on the administrator's socket of a part. */
export function partClient(command: Command, part: HostPart | 'host'): HttpClient {
  const { run } = globalsOf(command);
  return new HttpClient(
    { socket: pathsOf({ state: '', run }).admin(part) },
    { timeout: 120_000, limit: 64 * 1024 * 1024 },
  );
}

const runsOn: Readonly<Record<HostPart | 'host', string>> = {
  attestd: 'Trust Authority hosts',
  kmxd: 'Trust Authority hosts',
  kmxa: 'trusted hosts',
  proxy: 'every host',
  host: 'every host',
};

/** An error of a local call: a socket that nobody serves is a part of this host that does not run. */
export function ofThisHost(error: unknown, part: HostPart | 'host'): unknown {
  const { message = '', code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  if (code === 'EACCES') return new Problem('host.not-root', message, { cause: error });
  if (code !== 'ENOENT' && code !== 'ECONNREFUSED') return error;
  const where = `it runs on ${runsOn[part]}, started by \`vouchsafe serve host\``;
  return new Problem('host.not-ready', `${part} does not run here (${message}); ${where}`, { cause: error });
}

/** @throws {Problem} `host.not-root` */
export function requireRoot(what: string): void {
  if (process.getuid?.() !== 0) throw new Problem('host.not-root', what);
}
