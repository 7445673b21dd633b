import { type Attribute, nameAttribute } from '../../attribute.ts';
import { locate as operation } from '../../operations/locate.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';

/** What the objects have in common that are looked for. */
export interface Wanted extends CallOptions {
  readonly name?: string;
  readonly attributes?: readonly Attribute[];
  readonly maximumItems?: number;
  /** How many are left out at the beginning: servers give about 1000 at once. Came with version 1.3. */
  readonly offsetItems?: number;
}

/** Before 1.3 the offset would be left out, and the first ones come again. */
const paged = { ...operation, since: { major: 1, minor: 3 } };

/** The ids of the objects that have all these attributes. */
export const locate =
  (cluster: Cluster) =>
  async ({ name, attributes = [], maximumItems, offsetItems = 0, ...options }: Wanted): Promise<string[]> => {
    const named = name === undefined ? [] : [nameAttribute(name)];
    const request = { maximumItems, attributes: [...named, ...attributes] };
    const how = { deadline: cluster.deadline(options) };
    if (offsetItems === 0) return (await cluster.send(operation, request, how)).ids;
    return (await cluster.send(paged, { ...request, offsetItems }, how)).ids;
  };
