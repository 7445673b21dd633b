import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Problem } from '@vouchsafe/domain/problem';
import { request } from 'undici';
import type { VouchedFile } from './release.ts';

/** Where an archive lies: a folder, or http(s). What comes from it is believed for its hash only. */
export interface Mirror {
  readonly address: string;
  /** @throws {Problem} `object.unknown` when there is no such file, `archive.unreachable` */
  open(path: string): Promise<Readable>;
}

/** @throws {Problem} `input.invalid` for an address of another kind */
export function mirrorAt(address: string): Mirror {
  if (/^https?:\/\//.test(address)) return webMirror(address.replace(/\/*$/, '/'));
  if (/^[a-z+]+:\/\//.test(address))
    throw new Problem('input.invalid', `mirror ${address}: expected a folder, http or https`);
  return folderMirror(resolve(address));
}

const folderMirror = (root: string): Mirror => ({
  address: root,
  async open(path) {
    const file = join(root, path);
    if (!file.startsWith(root + sep)) throw new Problem('input.malformed', `mirror: path ${path} leads out of it`);
    try {
      const handle = await open(file, 'r');
      return handle.createReadStream();
    } catch (cause) {
      throw new Problem('object.unknown', `mirror: ${(cause as Error).message}`, { cause });
    }
  },
});

/** A path of an archive has no parts that a server could read as another address. */
const plainPath = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9._+~%:@=,/-]+$/;

const webMirror = (base: string): Mirror => ({
  address: base,
  async open(path) {
    if (!plainPath.test(path)) throw new Problem('input.malformed', `mirror: path ${path.slice(0, 200)}`);
    const url = base + path.split('/').map(encodeURIComponent).join('/');
    const { statusCode, body } = await answer(url, 5);
    if (statusCode === 200) return body;
    await body.dump();
    const kind = statusCode === 404 ? 'object.unknown' : 'archive.unreachable';
    throw new Problem(kind, `${url}: HTTP status ${statusCode}`);
  },
});

/** Mirrors of Debian redirect; where they lead to does not matter, since only hashes are believed. */
async function answer(url: string, redirects: number): Promise<Awaited<ReturnType<typeof request>>> {
  try {
    const found = await request(url, { headersTimeout: 30_000, bodyTimeout: 60_000 });
    const location = found.headers.location;
    if (found.statusCode < 300 || found.statusCode >= 400 || typeof location !== 'string') return found;
    await found.body.dump();
    if (redirects === 0) throw new Problem('archive.unreachable', `${url}: too many redirections`);
    return await answer(new URL(location, url).href, redirects - 1);
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    throw new Problem('archive.unreachable', `${url}: ${(cause as Error).message}`, { cause });
  }
}

/** A small file as bytes. @throws {Problem} as `open`; `input.too-large` */
export async function readWhole(mirror: Mirror, path: string, limit: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of await mirror.open(path)) {
    size += chunk.length;
    if (size > limit) throw new Problem('input.too-large', `${path}: more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * Brings a file here that is what was vouched for; one that is here already is looked at again.
 * @throws {Problem} `archive.untrusted` when size or hash differ, and those of `open`
 */
export async function fetchVouched(mirror: Mirror, path: string, vouched: VouchedFile, to: string): Promise<void> {
  if ((await digestOf(to)) === vouched.sha256) return;
  const beside = `${to}.part`;
  try {
    await pipeline(await mirror.open(path), checked(path, vouched), createWriteStream(beside, { mode: 0o600 }));
    await rename(beside, to);
  } catch (cause) {
    await rm(beside, { force: true });
    if (cause instanceof Problem) throw cause;
    throw new Problem('archive.unreachable', `${path}: ${(cause as Error).message}`, { cause });
  }
}

const checked = (path: string, { sha256, size }: VouchedFile) =>
  async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    let left = size;
    for await (const chunk of source) {
      left -= chunk.length;
      if (left < 0) break;
      hash.update(chunk);
      yield chunk;
    }
    const has = hash.digest('hex');
    if (left !== 0)
      throw new Problem(
        'archive.untrusted',
        `${path}: expected ${size} bytes, it has ${left < 0 ? 'more' : size - left}`,
      );
    if (has !== sha256) throw new Problem('archive.untrusted', `${path}: its SHA-256 is ${has}, expected ${sha256}`);
  };

async function digestOf(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}
