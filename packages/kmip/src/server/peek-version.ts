import type { ProtocolVersion } from '../message.ts';
import { tags } from '../tags.ts';
import { uint24, uint32 } from '../ttlv/check.ts';

/** Where the items of the version stand: it is the first field of the header, which is the first of the message. */
const layout = [
  { at: 8, tag: tags['Request Header'], type: 1 },
  { at: 16, tag: tags['Protocol Version'], type: 1 },
  { at: 24, tag: tags['Protocol Version Major'], type: 2 },
  { at: 40, tag: tags['Protocol Version Minor'], type: 2 },
] as const;

/**
 * The version of a message that may be broken further on, so that the refusal can be put in the client's version, and
 * a message of another major version is recognised before its fields are read as ours.
 */
export function peekVersion(octets: Uint8Array): ProtocolVersion | undefined {
  if (octets.length < 56) return undefined;
  if (!layout.every(({ at, tag, type }) => uint24(octets, at) === tag && octets[at + 3] === type)) return undefined;
  return { major: uint32(octets, 32) | 0, minor: uint32(octets, 48) | 0 };
}
