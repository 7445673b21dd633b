import { type Attribute, nameAttribute } from '../../attribute.ts';
import { locate as operation } from '../../operations/locate.ts';
import type { Cluster } from '../cluster.ts';
import type { CallOptions } from '../options.ts';

/** What the objects have in common that are looked for. */
export interface Wanted extends CallOptions {
  readonly name?: string;
  readonly attributes?: readonly Attribute[];
  readonly maximumItems?: number;
}

/** The ids of the objects that have all these attributes. */
export const locate =
  (cluster: Cluster) =>
  async ({ name, attributes = [], maximumItems, ...options }: Wanted): Promise<string[]> => {
    const named = name === undefined ? [] : [nameAttribute(name)];
    const request = { maximumItems, attributes: [...named, ...attributes] };
    return (await cluster.send(operation, request, { deadline: cluster.deadline(options) })).ids;
  };
