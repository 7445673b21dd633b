import { TtlvError } from './error.ts';
import { type DescribedItem, describe } from './ttlv/describe.ts';
import { fromXml } from './xml/decode.ts';
import { parseElement, printElement } from './xml/element.ts';
import { toXml } from './xml/encode.ts';

/** A message as it is shown: as a tree, and in the XML encoding. Neither shows what is secret. */
export interface InspectedMessage {
  readonly tree: DescribedItem;
  readonly xml: string;
}

/**
 * Reads a message or any other item, in octets or in the XML encoding.
 * @throws {TtlvError} when it is neither
 */
export function inspectMessage(bytes: Uint8Array): InspectedMessage {
  const octets = isXml(bytes) ? fromXml(parseElement(textOf(bytes))) : bytes;
  return { tree: describe(octets), xml: printElement(toXml(octets, { secrets: 'hidden' })) };
}

/** Whether the first character that is not white space begins an element; an item never begins so. */
function isXml(bytes: Uint8Array): boolean {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let at = start;
  while (at < bytes.length && (bytes[at] === 0x20 || (bytes[at]! >= 9 && bytes[at]! <= 13))) at++;
  return bytes[at] === 0x3c;
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new TtlvError('malformed', 'document', 0, 'text is not UTF-8');
  }
}
