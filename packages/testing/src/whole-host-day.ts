import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readImageFile } from '@vouchsafe/domain/attestation/image-file';
import type { Kernel } from './kernel.ts';
import { freePort } from './loopback.ts';
import { buildExecutable } from './single-executable.ts';
import { toml } from './site/authority-host.ts';
import { Site, siteScope } from './site/site.ts';
import { TpmAuthority } from './tpm-authority.ts';
import { WholeHost } from './whole-host.ts';
import { Workdir } from './workdir.ts';

/** What 127.0.0.1 of this machine is called inside. */
const outside = '10.0.2.2';

/**
 * The day of a host: the agent starts, learns of its Trust Authority and asks for a key. Then it tells what it booted,
 * and when that is answered, it asks again.
 */
const script = `
tell() { wget -q -O /dev/null --post-file="$2" "http://${outside}:$PORT/$1" || exit 30; }
vouchsafe serve host --config /etc/vouchsafe/host.toml &
until [ -S /run/vouchsafe/kmxa-admin.sock ]; do sleep 0.1; done
vouchsafe apply -f /etc/vouchsafe/agent.yaml || exit 20
vouchsafe provider check demo
echo "host: the first check left with $?"
vouchsafe image capture "$IMAGE" --file /tmp/image.json $CAPTURE || exit 21
base64 /sys/kernel/security/ima/binary_runtime_measurements >/tmp/ima
tell ima-log /tmp/ima
tell image /tmp/image.json
vouchsafe provider check demo || exit $?
vouchsafe provider check demo -o json
`;

/** What came of a host's asking for a key: what it printed, and the exit status. */
export interface KeyCheck {
  readonly text: string;
  readonly status: number;
}

/** What a host told and printed. */
export interface Day {
  readonly imaLog: Uint8Array;
  /** Before and behind the moment in which the host told its boot. */
  readonly firstCheck: KeyCheck;
  readonly secondCheck: KeyCheck;
}

export interface DayOptions {
  /** Name of the host, one of those that `create` was told. */
  readonly host: string;
  /** Name of the image that it captures; a folder of that name is made. */
  readonly image: string;
  readonly appendCommandLine?: string;
  readonly kernel?: Kernel;
  /** Further options of `image capture`. */
  readonly capture?: string;
  /** The host's program; the site's own when left out. */
  readonly executable?: string;
  /** What to do with the image that the host captured and with its IMA log, before it asks again. */
  readonly told: (image: unknown, imaLog: Uint8Array) => Promise<void>;
}

/**
 * A Trust Authority on this machine, and whole hosts as virtual machines that ask it for a key. All programs are the
 * single executable.
 */
export class WholeHostSite implements AsyncDisposable {
  readonly work: Workdir;
  /** Path of the single executable. */
  readonly executable: string;
  readonly site: Site;

  private constructor(work: Workdir, executable: string, site: Site) {
    this.work = work;
    this.executable = executable;
    this.site = site;
  }

  /** @param hosts names of the hosts to come, whose TPMs are made now */
  static async create(name: string, hosts: readonly string[]): Promise<WholeHostSite> {
    const work = await Workdir.create(name);
    const tpms = await TpmAuthority.create(work.file('maker'));
    for (const host of hosts) await tpms.manufacture({ state: work.file(`tpm-${host}`), name: host });
    const executable = await buildExecutable(work.file('build'));
    const site = await Site.create(work.path, (...args) => [executable, ...args]);
    const whole = new WholeHostSite(work, executable, site);
    try {
      await site.startKeyServer();
      const port = await freePort();
      await site.startAuthority('ta1', { listen: `127.0.0.1:${port}`, url: `https://${outside}:${port}` });
      await site.addProvider('demo');
      await site.trustTpms(tpms);
      return whole;
    } catch (error) {
      await whole[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Calls the management API of attestd. */
  attestd(method: 'GET' | 'POST' | 'DELETE' | 'PATCH', path: string, body?: unknown): Promise<unknown> {
    return this.site.authority.call('attestd', method, path, body);
  }

  /** Approves the only TPM that waits. */
  async approveWaiting(name: string): Promise<void> {
    const path = '/attestation/tpm2/endorsement-keys';
    const pending = (await this.attestd('GET', `${path}/pending`)) as { ek: string }[];
    assert.equal(pending.length, 1);
    await this.attestd('POST', path, { ek: pending[0]?.ek, name, scope: siteScope });
  }

  /** Keys that were made or given out so far. */
  async keysReleased(): Promise<number> {
    const audit = await readFile(join(this.work.path, 'ta1/state/audit/kmxd.jsonl'), 'utf8');
    return audit.split('\n').filter((line) => /"action":"key\.(?:generate|release)"/.test(line)).length;
  }

  /** Boots a host and sees it through its day. */
  async day(options: DayOptions): Promise<Day> {
    const { host, image, appendCommandLine = '', kernel, capture = '', executable = this.executable, told } = options;
    const folder = this.work.file(image);
    await mkdir(folder);
    let imaLog = new Uint8Array();
    await using server = await listen(async (kind, body) => {
      if (kind === 'ima-log') imaLog = new Uint8Array(Buffer.from(body, 'base64'));
      if (kind === 'image') await told(readImageFile('image of the host', Buffer.from(body)).image, imaLog);
    });
    await using machine = await WholeHost.boot({
      folder,
      tpmState: this.work.file(`tpm-${host}`),
      executable,
      script,
      env: { PORT: String(server.port), IMAGE: image, CAPTURE: capture },
      files: await this.#configure(folder, host),
      appendCommandLine,
      cpus: 2,
      ...(kernel === undefined ? {} : { kernel }),
    });
    const status = await machine.ended(240_000);
    const text = await machine.serial.text();
    const [before = '', said, behind = ''] = text.split(/^host: the first check left with (\d+)/m);
    assert.ok(said !== undefined, `the host got as far as: ${text}`);
    return {
      imaLog,
      firstCheck: { text: before, status: Number(said) },
      secondCheck: { text: behind, status },
    };
  }

  /** Writes what an administrator gives a host. @returns the files by their path on the host */
  async #configure(folder: string, name: string): Promise<Record<string, string>> {
    const { authority } = this.site;
    const [group, trusted_CA] = [await authority.group(), 'group-ca.pem'];
    const services = [{ id: 'ta1', address: authority.url, trusted_CA, group }];
    const paths = { state: '/var/lib/vouchsafe', run: '/run/vouchsafe' };
    const files = {
      'host.toml': toml({ role: 'trusted', name, ...paths, listen: '10.0.2.15:7443', group }),
      'agent.yaml': JSON.stringify({ trusted_infrastructure: { services } }),
      [trusted_CA]: await authority.groupCa(),
    };
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
    return Object.fromEntries(Object.keys(files).map((file) => [`/etc/vouchsafe/${file}`, join(folder, file)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.site[Symbol.asyncDispose]();
    await this.work[Symbol.asyncDispose]();
  }
}

/** The checks that failed, as the command printed them, each once. */
export const failuresOf = ({ text }: KeyCheck): string[] => [
  ...new Set([...text.matchAll(/^ {2}fail ([a-z0-9.-]+): /gm)].map(([, id]) => String(id))),
];

/** The provider that a check names in its JSON answer, the last that the host printed in braces. */
export const checkedProvider = ({ text }: KeyCheck): unknown =>
  JSON.parse(/^\{[\s\S]*?^\}/m.exec(text)?.[0] ?? '{}').name;

/** Takes what a host tells; the host waits until it is answered. */
async function listen(
  answer: (kind: string, body: string) => Promise<void>,
): Promise<AsyncDisposable & { port: number }> {
  const server = createServer(async (request, response) => {
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      await answer(request.url?.slice(1) ?? '', Buffer.concat(chunks).toString());
    } catch (error) {
      response.statusCode = 500;
      response.write(String(error));
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
