import { KmipError } from '../error.ts';
import type { ProtocolVersion } from '../message.ts';
import { discoverVersions } from '../operations/discover-versions.ts';
import { sameVersion, versions, versionText } from '../version.ts';
import type { Connection } from './connection.ts';
import { exchange } from './exchange.ts';
import type { UsernameCredential } from './options.ts';

/** What Discover Versions is asked in: it came with 1.1, and servers of 2.x alone may not read 1.x. */
const askedIn: readonly ProtocolVersion[] = [
  { major: 1, minor: 1 },
  ...versions.filter(({ major, minor }) => major === 2 && minor === 0),
];

/** A server that does not know the operation, or no version that has it, speaks 1.0. */
const unknown = new Set<string | undefined>(['Operation Not Supported', 'Invalid Message', 'Invalid Field']);

/**
 * 1.4 says all that this client asks for, and servers have spoken it for longest: 2.x is for those that speak nothing
 * else.
 */
const preferred = versions.toSorted((a, b) => a.major - b.major || b.minor - a.minor);

/** KMIP 1.0 has no Discover Versions. */
const oldest: ProtocolVersion = { major: 1, minor: 0 };

/**
 * The best version that both sides speak (KMIP 1.4, 4.26).
 * @throws {KmipError} `version.unsupported` naming what the server speaks
 */
export async function agree(
  connection: Connection,
  server: string,
  credential: UsernameCredential | undefined,
  until: number,
): Promise<ProtocolVersion> {
  for (const version of askedIn) {
    const theirs = await discover(connection, { version, credential }, until);
    if (theirs === undefined) continue;
    const common = preferred.find((each) => theirs.some((other) => sameVersion(each, other)));
    if (common !== undefined) return common;
    const [spoken, ours] = [theirs, versions].map((list) => list.map(versionText).join(', ') || 'none');
    throw new KmipError('version.unsupported', `${server} speaks ${spoken}; this client ${ours}`);
  }
  return oldest;
}

async function discover(
  connection: Connection,
  speaking: { readonly version: ProtocolVersion; readonly credential: UsernameCredential | undefined },
  until: number,
): Promise<readonly ProtocolVersion[] | undefined> {
  try {
    return (await exchange(connection, speaking, discoverVersions, { versions: [...versions] }, until)).versions;
  } catch (error) {
    if (error instanceof KmipError && error.code === 'operation.failed' && unknown.has(error.reason)) return undefined;
    throw error;
  }
}
