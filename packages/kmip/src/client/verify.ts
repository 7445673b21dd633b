import { KmipError } from '../error.ts';
import type { Cluster } from './cluster.ts';
import type { Endpoint } from './endpoint.ts';
import { isMissing } from './fail-over.ts';

const pauses = { first: 50, longest: 1000 } as const;

/**
 * Reads an object from the server that has it and from a second one, and returns it when both have the same. Waits for
 * a replica until the deadline. With one server only, the object is read back from that.
 *
 * @throws {KmipError} with the object's id: `replication.lag` when no other server has it in time,
 * `replication.conflict` when another one has something else, `server.unreachable` when no other one could be asked
 */
export async function onTwoServers<T extends Disposable>(
  cluster: Cluster,
  id: string,
  deadline: number,
  read: (at: Endpoint | undefined, answeredBy: (endpoint: Endpoint) => void) => Promise<T>,
  same: (one: T, other: T) => boolean,
): Promise<T> {
  let first: Endpoint | undefined;
  const object = await read(undefined, (endpoint) => {
    first = endpoint;
  });
  const others = cluster.endpoints.filter((each) => each !== first);
  if (others.length === 0) return object;
  try {
    using copy = await copyOf(id, others, deadline, (at) => read(at, () => {}));
    if (same(object, copy)) return object;
    throw new KmipError('replication.conflict', `${id} is another object on ${first?.name} than on the other servers`, {
      id,
    });
  } catch (error) {
    object[Symbol.dispose]();
    throw error;
  }
}

async function copyOf<T>(
  id: string,
  others: readonly Endpoint[],
  deadline: number,
  read: (at: Endpoint) => Promise<T>,
): Promise<T> {
  for (let pause: number = pauses.first; ; pause = Math.min(2 * pause, pauses.longest)) {
    const failures: KmipError[] = [];
    for (const at of others) {
      try {
        return await read(at);
      } catch (error) {
        if (!(error instanceof KmipError)) throw error;
        if (error.code === 'operation.failed' && !isMissing(error)) throw error;
        failures.push(error);
      }
    }
    const absent = failures.find(({ code }) => code === 'operation.failed');
    if (Date.now() + pause < deadline && absent !== undefined) await sleep(pause);
    else if (absent !== undefined)
      throw new KmipError('replication.lag', `${id} was made, but has not come to ${names(others)} in time`, { id });
    else throw unverified(id, failures);
  }
}

const unverified = (id: string, failures: readonly KmipError[]) =>
  new KmipError(
    'server.unreachable',
    `${id} was made, but no second server could be asked for it: ${failures.map(({ message }) => message).join('; ')}`,
    { id, cause: failures },
  );

const names = (endpoints: readonly Endpoint[]) => endpoints.map(({ name }) => name).join(', ');

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
