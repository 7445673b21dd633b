import type { ProtocolVersion } from './message.ts';
import { tags } from './tags.ts';
import { uint24, uint32 } from './ttlv/check.ts';

/** Where the items of the version stand: it is the first field of the header, which is the first of the message. */
const layout = [
  { at: 8, tags: [tags['Request Header'], tags['Response Header']], type: 1 },
  { at: 16, tags: [tags['Protocol Version']], type: 1 },
  { at: 24, tags: [tags['Protocol Version Major']], type: 2 },
  { at: 40, tags: [tags['Protocol Version Minor']], type: 2 },
] as const satisfies { at: number; tags: number[]; type: number }[];

/**
 * The version of a message that may be broken further on, so that the refusal can be put in the client's version, and
 * every message is read in the words of its own version.
 */
export function peekVersion(octets: Uint8Array): ProtocolVersion | undefined {
  if (octets.length < 56) return undefined;
  for (const { at, tags, type } of layout)
    if (!(tags as readonly number[]).includes(uint24(octets, at)) || octets[at + 3] !== type) return undefined;
  return { major: uint32(octets, 32) | 0, minor: uint32(octets, 48) | 0 };
}
