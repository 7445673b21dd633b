import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { HttpClient } from '@vouchsafe/services/http/client';
import { must, run } from '../command.ts';
import { domainXml } from '../domain-xml.ts';
import { guestSays, makeGuestDisk } from '../guest-disk.ts';
import { type GuestKernel, installGuestKernel } from '../guest-kernel.ts';
import { serial } from '../serial.ts';
import { until } from '../wait.ts';
import { Workdir } from '../workdir.ts';
import { type Canary, canariesBelow, canariesInProcesses, keysBehind } from './canary.ts';
import { vouchsafe } from './program.ts';
import { Site } from './site.ts';
import type { TrustedHost } from './trusted-host.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';

describe('a site on real parts', { skip }, () => {
  let work: Workdir;
  let site: Site;
  let boot: GuestKernel;

  before(async () => {
    work = await Workdir.create('site');
    site = await Site.create(work.path);
    await site.startKeyServer();
    await site.startAuthority();
    await site.addProvider('demo');
    await site.startHosts([
      { name: 'host1', boot: 'debian12-uki-a' },
      { name: 'ondisk', boot: 'debian12-uki-a', qemuStateOnTmpfs: false },
    ]);
    await site.registerServices();
    await site.trustTpms();
    await site.trustBootOf(site.host('host1'), 'golden');
    for (const host of site.hosts) await site.approve(host);
    boot = await installGuestKernel(work.file('guest'));
  });

  after(async () => {
    await site?.[Symbol.asyncDispose]();
    await work?.[Symbol.asyncDispose]();
  });

  async function vm(name: string, sizeMiB: number, kernel = boot) {
    const [disk, log, marker] = [work.file(`${name}.img`), work.file(`${name}.log`), `marker ${randomUUID()}`];
    await makeGuestDisk({ path: disk, sizeMiB, marker });
    const xml = domainXml({ name, uuid: randomUUID(), boot: kernel, disk: { path: disk }, serialLog: log });
    await site.host('host1').libvirt.mustVirsh(['define', '/dev/stdin'], xml);
    return { name, disk, marker, line: serial(log) };
  }

  async function encrypt(
    host: TrustedHost,
    name: string,
    onLine: (line: { step: string; done?: number }) => void = () => undefined,
  ) {
    const client = new HttpClient({ socket: join(host.run, 'kmxa-admin.sock') });
    try {
      const body = { provider: 'demo' };
      for await (const line of client.stream('POST', `/trusted-infrastructure/vms/${name}/encrypt`, body))
        onLine(line as { step: string });
    } finally {
      await client.close();
    }
  }

  const pidOf = async (host: TrustedHost, part: string): Promise<number> => {
    const { stdout } = await run(['pgrep', '-f', `serve ${part} --config /etc/vouchsafe/host.toml`]);
    const status = (await host.call('host', 'GET', '/host/status')) as { parts: { part: string; pid: number }[] };
    const wanted = status.parts.find((each) => each.part === part)?.pid;
    return (
      stdout
        .trim()
        .split('\n')
        .map(Number)
        .find((pid) => namespacePid(pid) === wanted && sameMounts(pid, host)) ?? 0
    );
  };

  test('no key goes to a host that keeps the state of running VMs on a disk', async () => {
    const guest = await vm('moved', 16);
    await encrypt(site.host('host1'), guest.name);
    const xml = await site.host('host1').libvirt.mustVirsh(['dumpxml', '--inactive', guest.name]);
    const { libvirt } = site.host('ondisk');
    await libvirt.mustVirsh(['define', '/dev/stdin'], xml);
    const { code, stderr } = await libvirt.virsh(['start', guest.name]);
    assert.notEqual(code, 0);
    assert.match(stderr, /libvirt keeps passphrases of running VMs on a disk/);
    assert.match(stderr, /vouchsafe host setup/, 'says what to do');
  });

  test('sockets of the agent are for root alone', () => {
    const { run: folder } = site.host('host1');
    for (const name of ['hook.sock', 'kmxa-admin.sock', 'host-admin.sock', 'host-proxy.sock']) {
      assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    }
    assert.equal(statSync(folder).mode & 0o077, 0, 'nobody else enters the folder');
  });

  test('administration of a host goes through the part host as well', async () => {
    const authority = new HttpClient({ socket: join(site.authority.run, 'host-admin.sock') });
    const trusted = new HttpClient({ socket: join(site.host('host1').run, 'host-admin.sock') });
    try {
      const { body } = await authority.call('GET', '/attestation/os/base-images');
      assert.deepEqual(
        (body as { name: string }[]).map(({ name }) => name),
        ['golden'],
      );
      await assert.rejects(authority.call('POST', '/kms/providers', { name: 'x' }), { kind: 'input.invalid' });
      const { body: status } = await trusted.call('POST', '/trusted-infrastructure/attestation');
      assert.equal((status as { attestation_status: string }).attestation_status, 'attested');
    } finally {
      await Promise.all([authority.close(), trusted.close()]);
    }
  });

  test('administration is not reachable from outside: not through the proxy, not on the service sockets', async () => {
    const outside = new HttpClient({ url: site.authority.url, ca: await site.authority.groupCa() });
    const inside = ['attestd', 'kmxd'].map(
      (part) => new HttpClient({ socket: join(site.authority.run, `${part}.sock`) }),
    );
    try {
      for (const client of [outside, ...inside]) {
        for (const path of [
          '/attestation/tpm2/endorsement-keys',
          '/attestation/raw-config',
          '/kms/providers',
          '/kms/raw-config',
          '/host/status',
        ]) {
          await assert.rejects(client.call('GET', path), { kind: 'operation.unknown' }, `${client.target}${path}`);
        }
      }
    } finally {
      for (const client of [outside, ...inside]) await client.close();
    }
  });

  test('the keys of a running VM are on no disk, in no log, no database, no arguments, no environment', async () => {
    const host = site.host('host1');
    const guest = await vm('canary', 16);
    await encrypt(host, guest.name);
    await host.libvirt.mustVirsh(['start', guest.name]);
    await guest.line.waitFor(guestSays.marker(guest.marker), 90_000);
    const canaries = await keysBehind(site.keyServer, await readFile(`${guest.disk}.keysafe`, 'utf8'));
    assert.equal(canaries.length, 4);

    assert.deepEqual(canariesBelow(work.path, canaries), []);
    assert.deepEqual(canariesInProcesses(canaries), []);
    writeFileSync(work.file('control'), canaries[3]!.spellings[0]!);
    assert.deepEqual(
      canariesBelow(work.path, canaries),
      [`passphrase of vda in ${work.file('control')}`],
      'the search finds what is there',
    );

    await host.libvirt.mustVirsh(['destroy', guest.name]);
  });

  const plainCores = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim() === 'core';
  const noCores = plainCores ? false : 'core_pattern is not "core" on this machine';
  test('a core dump of the agent holds no key', { skip: noCores }, async () => {
    const host = site.host('host1');
    const canaries = await keysBehind(site.keyServer, await readFile(work.file('canary.img.keysafe'), 'utf8'));
    await host.libvirt.mustVirsh(['start', 'canary']);
    await host.libvirt.mustVirsh(['destroy', 'canary']);
    assert.deepEqual(await keysInCore(host, canaries), []);
    await host.libvirt.mustVirsh(['start', 'canary']);
    await host.libvirt.mustVirsh(['destroy', 'canary']);
    assert.notDeepEqual(
      await keysInCore(host, canaries, '0x33'),
      [],
      'with the usual filter of the kernel they are there',
    );
  });

  /** Crashes the agent, looks for the canaries in its core dump, and waits until it is back. */
  async function keysInCore(host: TrustedHost, canaries: Canary[], filter?: string): Promise<string[]> {
    const pid = await pidOf(host, 'kmxa');
    const folder = host.libvirt.path('/var/lib/vouchsafe');
    if (filter !== undefined) writeFileSync(`/proc/${pid}/coredump_filter`, filter);
    await must(['prlimit', '--pid', String(pid), '--core=unlimited']);
    process.kill(pid, 'SIGSEGV');
    const core = await until('core dump', 20_000, () => {
      if (existsSync(`/proc/${pid}/root`)) return undefined;
      return readdirSync(folder).find((name) => name.startsWith('core'));
    });
    const bytes = readFileSync(join(folder, core));
    rmSync(join(folder, core));
    await backAfter(host, pid);
    return canaries.filter(({ spellings }) => spellings.some((each) => bytes.includes(each))).map(({ name }) => name);
  }

  /** Waits until the agent that had this process id has a successor. */
  const backAfter = (host: TrustedHost, pid: number) =>
    until('agent is back', 30_000, async () => {
      const status = (await host.call('host', 'GET', '/host/status')) as { parts: { ready: boolean }[] };
      const now = await pidOf(host, 'kmxa');
      return (status.parts.every((part) => part.ready) && now !== 0 && now !== pid) || undefined;
    });

  test('killed in the middle of an encryption, the agent goes on where it was', async () => {
    const host = site.host('host1');
    const guest = await vm('killed', 192);
    const before = await must(['sha256sum', guest.disk]);
    const pid = await pidOf(host, 'kmxa');
    let killed = false;
    await assert.rejects(
      encrypt(host, guest.name, ({ step, done = 0 }) => {
        if (step !== 'disk' || done < 8 * 2 ** 20 || killed) return;
        killed = true;
        process.kill(pid, 'SIGKILL');
      }),
      { kind: 'service.unreachable' },
    );
    assert.ok(killed);
    assert.equal(await must(['sha256sum', guest.disk]), before, 'the plain image is whole');
    await backAfter(host, pid);
    await encrypt(host, guest.name);
    assert.ok(!(await readFile(guest.disk)).includes(guest.marker));
    assert.deepEqual(
      readdirSync(work.path)
        .filter((name) => name.startsWith('killed.img') && name !== 'killed.img')
        .toSorted(),
      ['killed.img.keysafe'],
    );
    await host.libvirt.mustVirsh(['start', guest.name]);
    await guest.line.waitFor(guestSays.marker(guest.marker), 90_000);
    await host.libvirt.mustVirsh(['destroy', guest.name]);
  });

  test('secrets that a killed agent left with libvirt are taken back when it is back', async () => {
    const host = site.host('host1');
    const secrets = async () => (await host.libvirt.mustVirsh(['secret-list'])).trim();
    const hook = host.libvirt.path('/etc/libvirt/hooks/qemu');
    const real = readFileSync(hook, 'utf8');
    // The start goes through, and nobody tells the agent.
    writeFileSync(hook, real.replace('set -u', 'set -u\n[ "$2" = prepare ] || exit 0'));
    await host.libvirt.mustVirsh(['start', 'canary']);
    await host.libvirt.mustVirsh(['destroy', 'canary']);
    writeFileSync(hook, real);
    assert.notEqual(await secrets(), '');
    const pid = await pidOf(host, 'kmxa');
    process.kill(pid, 'SIGKILL');
    await backAfter(host, pid);
    assert.equal(await secrets(), '');
  });

  test('a changed kernel is refused although the domain is the same; a wanted change is sealed', async () => {
    const host = site.host('host1');
    const kernel = await installGuestKernel(work.file('kernel-of-sealed'));
    const guest = await vm('sealed', 16, kernel);
    await encrypt(host, guest.name);
    appendFileSync(kernel.initrd, Buffer.alloc(512));
    const { code, stderr } = await host.libvirt.virsh(['start', guest.name]);
    assert.notEqual(code, 0);
    assert.match(stderr, /not the one that was sealed.*initial ramdisk/);
    const sealed = (await host.call('kmxa', 'POST', `/trusted-infrastructure/vms/${guest.name}/seal`)) as {
      generation: number;
      accepted: string[];
    };
    assert.equal(sealed.generation, 2);
    assert.match(sealed.accepted.join(), /initial ramdisk/);
    await host.libvirt.mustVirsh(['start', guest.name]);
    await guest.line.waitFor(guestSays.marker(guest.marker), 90_000);
    await host.libvirt.mustVirsh(['destroy', guest.name]);
    const older = readFileSync(guest.disk.replace('.img', '.img.keysafe'), 'utf8');
    assert.equal(JSON.parse(older).gen, 2, 'the copy beside the disk is the new one');
  });

  test('within the grace a VM starts from memory while the Trust Authority is down, and after a refusal it does not', async () => {
    const host = site.host('host1');
    await host.call('kmxa', 'PATCH', '/trusted-infrastructure/settings', { offline_grace: 3600 });
    await host.libvirt.mustVirsh(['start', 'canary']);
    await host.libvirt.mustVirsh(['destroy', 'canary']);
    await site.authority.stop();
    await host.libvirt.mustVirsh(['start', 'canary']);
    await host.libvirt.mustVirsh(['destroy', 'canary']);
    await site.authority.start();
    await site.authority.call('attestd', 'DELETE', '/attestation/os/base-images/golden');
    const status = (await host.call('kmxa', 'POST', '/trusted-infrastructure/attestation')) as {
      attestation_status: string;
    };
    assert.equal(status.attestation_status, 'notAttested');
    await site.authority.stop();
    const { code, stderr } = await host.libvirt.virsh(['start', 'canary']);
    assert.notEqual(code, 0, stderr);
    await site.authority.start();
  });

  test('every audit file of the site holds', async () => {
    const folders = ['ta1/state/audit', 'host1/root/var/lib/vouchsafe/audit'].map((folder) => work.file(folder));
    const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
    assert.ok(files.length >= 4, files.join(' '));
    for (const file of files) await must(vouchsafe('audit', 'verify', file));
  });
});

/** The process id that a process has inside its own namespace, proc(5) NSpid. */
function namespacePid(pid: number): number {
  const line = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  return Number(line.split(/\s+/).at(-1));
}

/** Whether a process lives on this host: it sees the same configuration file. */
function sameMounts(pid: number, host: TrustedHost): boolean {
  try {
    return readFileSync(`/proc/${pid}/root/etc/vouchsafe/host.toml`, 'utf8').includes(`name = "${host.name}"`);
  } catch {
    return false;
  }
}
