import { lookup as resolveName } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { concat } from '@vouchsafe/bytes/hex';
import { Problem } from '@vouchsafe/domain/problem';
import { Agent, type Dispatcher, request } from 'undici';
import { isForbidden } from './forbidden-addresses.ts';

/** What may be fetched. */
export interface FetchRules {
  /** Hosts, each a name or address, with a port where it is not the usual one. */
  readonly hosts: readonly string[];
  /** Hosts that may lie in a private network; no others may. */
  readonly privateHosts: readonly string[];
  /** Most bytes of an answer. */
  readonly limit: number;
  /** Milliseconds for one address, redirects included. */
  readonly timeout: number;
}

const maxRedirects = 3;

/**
 * Fetches an address that somebody else wrote into a certificate, when an administrator listed its host. Every step is
 * looked at: the address, the IP address that its name leads to at the moment of connecting, and each redirect.
 * @throws {Problem} `fetch.refused` when a rule forbids it, `fetch.failed`, `input.too-large`
 */
export async function fetchListed(address: string, rules: FetchRules): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(rules.timeout);
  const dispatcher = new Agent({ connect: { lookup: guardedLookup(rules), timeout: Math.min(rules.timeout, 10_000) } });
  try {
    let url = checkedUrl(address, rules);
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const answer = await get(url, dispatcher, signal);
      const location = locationOf(answer);
      if (location === undefined) return await read(url, answer, rules.limit);
      await answer.body.dump();
      url = checkedUrl(new URL(location, url).href, rules);
    }
    throw new Problem('fetch.failed', `${address}: more than ${maxRedirects} redirects`);
  } finally {
    await dispatcher.destroy();
  }
}

/** Whether the host of an address is listed; addresses of other kinds than http and https are of no host. */
export function isListed(
  address: string,
  { hosts, privateHosts }: Pick<FetchRules, 'hosts' | 'privateHosts'>,
): boolean {
  try {
    const url = new URL(address);
    return [...hosts, ...privateHosts].some((each) => names(each, url));
  } catch {
    return false;
  }
}

/** @throws {Problem} `fetch.refused` */
export function checkedUrl(address: string, rules: Pick<FetchRules, 'hosts' | 'privateHosts'>): URL {
  const refuse = (why: string): never => {
    throw new Problem('fetch.refused', `${address.slice(0, 512)}: ${why}`);
  };
  const url = URL.parse(address) ?? refuse('no address');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') refuse(`${url.protocol} is neither http: nor https:`);
  if (url.username !== '' || url.password !== '') refuse('it carries a name or password');
  if (!isListed(url.href, rules)) refuse(`its host is not listed: --host ${url.host}`);
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && isForbidden(literal) && !isPrivate(url, rules)) refuse(`${literal} is a private address`);
  return url;
}

const isPrivate = (url: URL, { privateHosts }: Pick<FetchRules, 'privateHosts'>): boolean =>
  privateHosts.some((each) => names(each, url));

/** A host without a port means the usual one; a dot at the end of a name says nothing. */
function names(host: string, url: URL): boolean {
  const listed = URL.parse(`${url.protocol}//${host}`);
  return listed !== null && bare(listed.hostname) === bare(url.hostname) && listed.port === url.port;
}

const bare = (hostname: string): string => hostname.toLowerCase().replace(/\.$/, '');

/** Looks at the addresses when the connection is made, so that a name cannot lead elsewhere after it was looked at. */
function guardedLookup({ privateHosts }: FetchRules): LookupFunction {
  const allowed = new Set(privateHosts.map((each) => bare(each.replace(/:\d+$/, ''))));
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses) => {
      const bad = allowed.has(bare(hostname)) ? undefined : addresses?.find(({ address }) => isForbidden(address));
      if (error !== null) callback(error, []);
      else if (bad !== undefined) callback(leadsTo(hostname, bad.address), []);
      else if (options.all) callback(null, addresses);
      else callback(null, addresses[0]?.address ?? '', addresses[0]?.family);
    });
  };
}

const leadsTo = (hostname: string, address: string): Problem =>
  new Problem('fetch.refused', `${hostname} leads to ${address}, a private address`);

async function get(url: URL, dispatcher: Dispatcher, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  try {
    return await request(url, { dispatcher, signal, headers: { accept: '*/*', 'user-agent': 'vouchsafe' } });
  } catch (cause) {
    throw failure(url, cause);
  }
}

function locationOf({ statusCode, headers }: Dispatcher.ResponseData): string | undefined {
  const { location } = headers;
  return statusCode >= 300 && statusCode < 400 && typeof location === 'string' ? location : undefined;
}

async function read(url: URL, { statusCode, body }: Dispatcher.ResponseData, limit: number): Promise<Uint8Array> {
  if (statusCode !== 200) {
    await body.dump();
    throw new Problem('fetch.failed', `${url.href}: the server answers ${statusCode}`);
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      size += piece.length;
      if (size > limit) throw new Problem('input.too-large', `${url.href}: more than ${limit} bytes`);
      pieces.push(piece);
    }
  } catch (cause) {
    throw failure(url, cause);
  }
  return concat(...pieces);
}

function failure(url: URL, cause: unknown): Problem {
  const inner = (cause as Error).cause;
  if (cause instanceof Problem) return cause;
  if (inner instanceof Problem) return inner;
  const why = (cause as Error).name === 'TimeoutError' ? 'no answer in time' : (cause as Error).message;
  return new Problem('fetch.failed', `${url.href}: ${why}`, { cause });
}
