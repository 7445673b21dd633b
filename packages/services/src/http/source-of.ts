import { isIPv6 } from 'node:net';

/** Header in which the proxy tells a part who is connected to it; whatever a client writes there is replaced. */
export const sourceHeader = 'x-forwarded-for';

/**
 * Whom a request counts for, where room is shared: its address, and of IPv6 the first 64 bits, since whoever has one
 * address there has all of them.
 */
export function sourceOf(address: string | undefined): string {
  if (address === undefined) return 'local';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1]!;
  return isIPv6(address) ? groupsOf(address).slice(0, 4).join(':') : address.slice(0, 64);
}

/** The eight groups of an address, `::` written out (RFC 4291, 2.2). */
function groupsOf(address: string): string[] {
  const [left = '', right] = address.split('%')[0]!.split('::');
  const [head, tail] = [left, right ?? ''].map((part) => (part === '' ? [] : part.split(':')));
  const missing = right === undefined ? 0 : Math.max(0, 8 - head!.length - tail!.length);
  return [...head!, ...Array<string>(missing).fill('0'), ...tail!].map((group) =>
    group.toLowerCase().replace(/^0+(?=.)/, ''),
  );
}
