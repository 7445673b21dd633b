import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { missingPackages } from './debian.ts';
import { freePort } from './loopback.ts';
import { buildExecutable } from './single-executable.ts';
import { toml } from './site/authority-host.ts';
import { Site, siteScope } from './site/site.ts';
import { TpmAuthority } from './tpm-authority.ts';
import { WholeHost } from './whole-host.ts';
import { Workdir } from './workdir.ts';

const missing = await missingPackages('e2e');
const needs = missing.length > 0 ? `not installed: ${missing.join(', ')}` : false;

/** What 127.0.0.1 of this machine is called inside. */
const outside = '10.0.2.2';

/**
 * The day of a host: the agent starts, learns of its Trust Authority and asks for a key in vain, since nobody trusts
 * what the host booted, or its TPM. It tells what it booted; when that is answered, it asks again.
 */
const script = `
tell() { wget -q -O /dev/null --post-file="$2" "http://${outside}:$PORT/$1" || exit 30; }
vouchsafe serve host --config /etc/vouchsafe/host.toml &
until [ -S /run/vouchsafe/kmxa-admin.sock ]; do sleep 0.1; done
vouchsafe apply -f /etc/vouchsafe/agent.yaml || exit 20
vouchsafe provider check demo
echo "host: the first check left with $?"
vouchsafe image capture "$IMAGE" --file /tmp/image.json || exit 21
base64 /sys/kernel/security/ima/binary_runtime_measurements >/tmp/ima
tell ima-log /tmp/ima
tell image /tmp/image.json
vouchsafe provider check demo -o json
`;

/** What a host told and printed. */
interface Day {
  readonly imaLog: Uint8Array;
  /** Lines before and behind the first check's exit status, and that status. */
  readonly firstCheck: { readonly text: string; readonly status: number };
  readonly secondCheck: { readonly text: string; readonly status: number };
}

describe('a whole host as a virtual machine, with the agent as a single executable', {
  skip: process.getuid?.() === 0 ? needs : 'needs root: the Trust Authority host runs as root',
}, () => {
  let work: Workdir;
  let tpms: TpmAuthority;
  let executable: string;
  let site: Site;

  before(async () => {
    work = await Workdir.create('attest');
    tpms = await TpmAuthority.create(work.file('maker'));
    [executable] = await Promise.all([
      buildExecutable(work.file('build')),
      tpms.manufacture({ state: work.file('tpm'), name: 'whole' }),
    ]);
    site = await Site.create(work.path, (...args) => [executable, ...args]);
    await site.startKeyServer();
    const port = await freePort();
    await site.startAuthority('ta1', { listen: `127.0.0.1:${port}`, url: `https://${outside}:${port}` });
    await site.addProvider('demo');
    await site.trustTpms(tpms);
  });
  after(async () => {
    await site?.[Symbol.asyncDispose]();
    await work?.[Symbol.asyncDispose]();
  });

  test('is refused until its boot and its TPM are trusted, then gets a key', async () => {
    const { imaLog, firstCheck, secondCheck } = await dayOfHost('golden', '', trustTpm);
    assert.equal(firstCheck.status, 3);
    assert.match(firstCheck.text, /fail host\.not-enrolled: /);
    assert.deepEqual([secondCheck.status, checkedProvider(secondCheck.text)], [0, 'demo']);
    assert.ok((await keysReleased()) > 0, 'the Key Provider Service recorded the release');
    const digest = createHash('sha256')
      .update(await readFile(executable))
      .digest('hex');
    assert.ok(
      decodeImaLog(imaLog).some(({ fields }) => fields.digest !== undefined && hex(fields.digest.value) === digest),
      'the executable, which is all of the agent, is in the IMA log',
    );
  });

  test('gets none with another kernel command line, for no other reason', async () => {
    const before = await keysReleased();
    const releasedUntilTrusted: number[] = [];
    const { firstCheck, secondCheck } = await dayOfHost('other', 'systemd.debug-shell=1', async () => {
      releasedUntilTrusted.push(await keysReleased());
    });
    assert.equal(firstCheck.status, 3);
    assert.match(firstCheck.text, /fail image\.match: .*PCR 9.*load options \(command line\) of the Linux EFI stub/);
    assert.match(firstCheck.text, /fail image\.match: .*PCR 11.*section \.cmdline/);
    assert.deepEqual([...new Set(failures(firstCheck.text))], ['image.match']);
    assert.deepEqual(releasedUntilTrusted, [before]);
    assert.equal(secondCheck.status, 0, 'with this boot trusted as well it is not refused');
  });

  /** Approves the only TPM that waits. */
  async function trustTpm(): Promise<void> {
    const path = '/attestation/tpm2/endorsement-keys';
    const pending = (await site.authority.call('attestd', 'GET', `${path}/pending`)) as { ek: string }[];
    assert.equal(pending.length, 1);
    const approval = { ek: pending[0]?.ek, name: 'whole', scope: siteScope };
    await site.authority.call('attestd', 'POST', path, approval);
  }

  const keysReleased = async (): Promise<number> => {
    const audit = await readFile(join(work.path, 'ta1/state/audit/kmxd.jsonl'), 'utf8');
    return audit.split('\n').filter((line) => /"action":"key\.(?:generate|release)"/.test(line)).length;
  };

  /**
   * Boots the host and sees it through its script.
   * @param beforeTrust what to do before its boot becomes a trusted one
   */
  async function dayOfHost(image: string, appendCommandLine: string, beforeTrust: () => Promise<void>): Promise<Day> {
    const folder = work.file(image);
    await mkdir(folder);
    const told = new Map<string, string>();
    await using server = await listen(async (kind, body) => {
      told.set(kind, body);
      if (kind !== 'image') return;
      await beforeTrust();
      const trusted = { image: JSON.parse(body), userspace_unmeasured: true, activate: true };
      await site.authority.call('attestd', 'POST', '/attestation/os/base-images', trusted);
    });
    await using host = await WholeHost.boot({
      folder,
      tpmState: work.file('tpm'),
      executable,
      script,
      env: { PORT: String(server.port), IMAGE: image },
      files: await configure(folder),
      appendCommandLine,
      cpus: 2,
    });
    const status = await host.ended(240_000);
    const text = await host.serial.text();
    const [before = '', said, behind = ''] = text.split(/^host: the first check left with (\d+)/m);
    assert.ok(said !== undefined, `the host got as far as: ${text}`);
    return {
      imaLog: Buffer.from(told.get('ima-log') ?? '', 'base64'),
      firstCheck: { text: before, status: Number(said) },
      secondCheck: { text: behind, status },
    };
  }

  /** Writes what an administrator gives a host. @returns the files by their path on the host */
  async function configure(folder: string): Promise<Record<string, string>> {
    const [group, trusted_CA] = [await site.authority.group(), 'group-ca.pem'];
    const services = [{ id: 'ta1', address: site.authority.url, trusted_CA, group }];
    const paths = { state: '/var/lib/vouchsafe', run: '/run/vouchsafe' };
    const files = {
      'host.toml': toml({ role: 'trusted', name: 'whole', ...paths, listen: '10.0.2.15:7443', group }),
      'agent.yaml': JSON.stringify({ trusted_infrastructure: { services } }),
      [trusted_CA]: await site.authority.groupCa(),
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return Object.fromEntries(Object.keys(files).map((name) => [`/etc/vouchsafe/${name}`, join(folder, name)]));
  }
});

/** The checks that failed, as the command printed them. */
const failures = (text: string): string[] => [...text.matchAll(/^ {2}fail ([a-z0-9.-]+): /gm)].map(([, id]) => id!);

/** The provider that a check names in its JSON answer, the last that the host printed in braces. */
function checkedProvider(text: string): unknown {
  return JSON.parse(/^\{[\s\S]*?^\}/m.exec(text)?.[0] ?? '{}').name;
}

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
