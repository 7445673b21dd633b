import { type Attribute, nameAttribute } from '../../attribute.ts';
import { locate as operation } from '../../operations/locate.ts';
import type { Send } from '../send.ts';

/** What the objects have in common that are looked for. */
export interface Wanted {
  readonly name?: string;
  readonly attributes?: readonly Attribute[];
  readonly maximumItems?: number;
}

/** The ids of the objects that have all these attributes. */
export const locate =
  (send: Send) =>
  async ({ name, attributes = [], maximumItems }: Wanted): Promise<string[]> => {
    const named = name === undefined ? [] : [nameAttribute(name)];
    return (await send(operation, { maximumItems, attributes: [...named, ...attributes] })).ids;
  };
