import type { Secret } from '@vouchsafe/bytes/secret';
import { KmipError } from '../../error.ts';
import { keyOctets, type ManagedObject, wipeObject } from '../../managed-object.ts';
import { get as operation } from '../../operations/get.ts';
import type { Cluster } from '../cluster.ts';
import { type Endpoint, newTrail } from '../endpoint.ts';
import type { CallOptions } from '../options.ts';
import { onTwoServers } from '../verify.ts';
import { expectId } from './expect.ts';
import type { NewKey } from './new-key.ts';

/** A key as the server gave it; whoever gets it wipes it. */
export interface FetchedKey extends Disposable {
  readonly id: string;
  readonly material: Secret;
  readonly algorithm: NewKey['algorithm'];
  /** In bits; the material is exactly so long. */
  readonly length: number;
}

/** What the caller knows of the key beforehand. */
export type Expected = Pick<NewKey, 'algorithm' | 'length'>;

/** What one Get may say for itself. */
export interface GetOptions extends CallOptions {
  /** Returns the key only when a second server gives the same one: before a new key is used for the first time. */
  readonly verify?: boolean;
}

/**
 * Fetches a key. A key that is not what its own description or the caller says is refused and wiped.
 * @throws {KmipError} `replication.lag`, `replication.conflict` besides the usual ones
 */
export const get =
  (cluster: Cluster) =>
  async (id: string, expected?: Expected, options: GetOptions = {}): Promise<FetchedKey> => {
    const deadline = cluster.deadline(options);
    if (options.verify !== true) return getAt(cluster, id, expected, deadline);
    return onTwoServers(
      cluster,
      id,
      deadline,
      (at, answeredBy) => getAt(cluster, id, expected, deadline, at, answeredBy),
      (one, other) =>
        one.algorithm === other.algorithm && one.length === other.length && one.material.equals(other.material),
    );
  };

async function getAt(
  cluster: Cluster,
  id: string,
  expected: Expected | undefined,
  deadline: number,
  at?: Endpoint,
  answeredBy: (endpoint: Endpoint) => void = () => {},
): Promise<FetchedKey> {
  const trail = newTrail();
  const answer = await cluster.send(operation, { id }, { id, deadline, trail, ...(at === undefined ? {} : { at }) });
  const { object } = answer;
  try {
    expectId('Get', id, answer.id);
    if (answer.objectType !== 'Symmetric Key') throw wrong(`a ${answer.objectType} came`);
    if (trail.answeredBy !== undefined) answeredBy(trail.answeredBy);
    return fetched(id, object, expected);
  } catch (error) {
    wipeObject(object);
    throw error;
  }
}

function fetched(id: string, object: ManagedObject, expected?: Expected): FetchedKey {
  if (object.type !== 'Symmetric Key') throw wrong(`a ${object.type} came`);
  const { algorithm, length, format } = object.block;
  const material = keyOctets(object);
  if (format !== 'Raw') throw wrong(`the key comes as ${format}, expected Raw`);
  if (material === undefined) throw wrong('the key comes wrapped, or not at all');
  if (algorithm === undefined || algorithm.startsWith('0x') || length === undefined)
    throw wrong('the key comes without a known algorithm and length');
  if (material.length * 8 !== length)
    throw wrong(`the key is said to have ${length} bits, ${material.length * 8} came`);
  if (expected !== undefined && (expected.algorithm !== algorithm || expected.length !== length))
    throw wrong(`expected ${expected.algorithm} ${expected.length}, the key is ${algorithm} ${length}`);
  const known = algorithm as NewKey['algorithm'];
  return { id, material, algorithm: known, length, [Symbol.dispose]: () => material[Symbol.dispose]() };
}

const wrong = (why: string) => new KmipError('answer.invalid', `Get: ${why}`);
