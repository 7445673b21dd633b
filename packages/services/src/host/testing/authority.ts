import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostConfig } from '../../config/host.ts';
import { type HostPart, pathsOf } from '../../config/paths.ts';
import { HttpClient } from '../../http/client.ts';
import type { Running } from '../../part.ts';

const starters: Partial<Record<HostPart, (config: HostConfig) => Promise<Running>>> = {
  attestd: async (config) => (await import('../../attestd/serve.ts')).serveAttestd(config),
  kmxd: async (config) => (await import('../../kmxd/serve.ts')).serveKmxd(config),
  proxy: async (config) => (await import('../../proxy/serve.ts')).serveProxy(config),
};
const parts = ['attestd', 'kmxd', 'proxy'] as const;

/** A Trust Authority host in this process, with all of its parts and a proxy that others reach. */
export class TestAuthority {
  readonly config: HostConfig;
  readonly folder: string;
  readonly #running = new Map<HostPart | 'host', Running>();

  private constructor(name: string, folder: string, listen: string) {
    this.folder = folder;
    const [state, run] = [join(folder, 's'), join(folder, 'r')];
    this.config = { role: 'trust-authority', name, state, run, listen };
  }

  static async start(name: string, only: readonly HostPart[] = parts): Promise<TestAuthority> {
    const host = new TestAuthority(name, mkdtempSync(join(tmpdir(), 'ta-')), `127.0.0.1:${await freePort()}`);
    await host.startHost();
    for (const part of only) await host.startPart(part);
    return host;
  }

  get url(): string {
    return `https://${this.config.listen}`;
  }

  get ca(): string {
    return readFileSync(pathsOf(this.config).groupCa, 'utf8');
  }

  async startHost(): Promise<void> {
    const { serveHost } = await import('../serve.ts');
    this.#running.set('host', await serveHost(this.config));
  }

  async startPart(part: HostPart): Promise<void> {
    const running = await starters[part]?.(this.config);
    if (running !== undefined) this.#running.set(part, running);
  }

  async stopPart(part: HostPart | 'host'): Promise<void> {
    await this.#running.get(part)?.close();
    this.#running.delete(part);
  }

  /** What the supervisor does after a join. */
  async restartParts(): Promise<void> {
    for (const part of parts) {
      if (!this.#running.has(part)) continue;
      await this.stopPart(part);
      await this.startPart(part);
    }
  }

  /** One call of a part's management API. */
  async call(
    part: HostPart | 'host',
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
  ): Promise<unknown> {
    const client = new HttpClient({ socket: pathsOf(this.config).admin(part) }, { timeout: 60_000 });
    try {
      return (await client.call(method, path, body)).body;
    } finally {
      await client.close();
    }
  }

  /** Makes it a member of the group of `other`. */
  async join(other: TestAuthority, url = other.url): Promise<void> {
    const invite = await other.call('host', 'POST', '/host/invites', {});
    await this.call('host', 'POST', '/host/join', { invite, url });
    await this.restartParts();
  }

  async stop(): Promise<void> {
    for (const part of [...this.#running.keys()].reverse()) await this.stopPart(part);
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
