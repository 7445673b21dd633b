import { isIPv6 } from 'node:net';
import { Problem } from '@vouchsafe/domain/problem';

/** Where to listen or connect. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT` or `[IPv6]:PORT`. @throws {Problem} `input.invalid` */
export function addressOf(text: string, field = 'listen'): Address {
  const { host, port } = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)?.groups
    ? partsOf(text)
    : { host: '', port: -1 };
  if (host === '' || port > 65535) {
    throw new Problem('input.invalid', `${field}: expected HOST:PORT or [IPv6]:PORT, found ${JSON.stringify(text)}`);
  }
  return { host, port };
}

function partsOf(text: string): Address {
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(text.slice(at + 1)) };
}

/** The text form, with brackets around IPv6. */
export const addressText = ({ host, port }: Address): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
