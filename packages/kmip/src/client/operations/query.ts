import type { queryFunction } from '../../enums.ts';
import { query as operation } from '../../operations/query.ts';
import type { Send } from '../send.ts';

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
export const query = (send: Send) => async (): Promise<ServerFacts> => {
  const { operations, objectTypes, vendor } = await send(operation, { functions: [...asked] });
  return { operations, objectTypes, vendor };
};
