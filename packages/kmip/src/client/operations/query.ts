import type { queryFunction } from '../../enums.ts';
import { query as operation } from '../../operations/query.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';

/** What a server says of itself. */
export interface ServerFacts {
  readonly operations: readonly string[];
  readonly objectTypes: readonly string[];
  readonly vendor: string | undefined;
}

const asked: readonly (keyof typeof queryFunction)[] = [
  'Query Operations',
  'Query Objects',
  'Query Server Information',
];

/** What the server can do and who made it. */
export const query =
  (cluster: Cluster) =>
  async (options: CallOptions = {}): Promise<ServerFacts> => {
    const how = { deadline: cluster.deadline(options) };
    const { operations, objectTypes, vendor } = await cluster.send(operation, { functions: [...asked] }, how);
    return { operations, objectTypes, vendor };
  };
