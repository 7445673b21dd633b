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
 * @throws {Problem} what the part says, or `service.unreachable` with what to start
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

/** @throws {Problem} `host.not-root` */
export function requireRoot(what: string): void {
  if (process.getuid?.() !== 0) throw new Problem('host.not-root', what);
}
