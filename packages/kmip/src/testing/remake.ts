import { RequestMessage, ResponseMessage } from '../message.ts';
import { operations } from '../operations/operations.ts';
import { tags } from '../tags.ts';
import { uint24 } from '../ttlv/check.ts';
import { decodeItem, encodeItem, type Item } from '../ttlv/item.ts';
import { bound, type Lazy } from '../ttlv/lazy.ts';

interface Message {
  readonly header: unknown;
  readonly items: readonly { readonly operation?: string | undefined; readonly payload?: Lazy | undefined }[];
}

/**
 * The same message through the model: read to its last field and written anew.
 * @throws {TtlvError} when it cannot be read, {EncodeError} when its version has no words for a value that it has
 */
export function remake(octets: Uint8Array): Buffer<ArrayBuffer> {
  const asked = uint24(octets, 0) === tags['Request Message'];
  const of = (asked ? RequestMessage : ResponseMessage) as unknown as Item<Message>;
  const { header, items } = decodeItem(of, octets, { again: true });
  const anew = items.map((each) => {
    const declared = operations[each.operation as keyof typeof operations]?.[asked ? 'request' : 'response'];
    if (declared === undefined || each.payload === undefined) return each;
    const payload = declared as Item<unknown>;
    return { ...each, payload: bound(payload, each.payload.as(payload)) };
  });
  return encodeItem(of, { header, items: anew });
}
