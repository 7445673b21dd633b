import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, statfs, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { run } from './command.ts';
import { domainXml } from './domain-xml.ts';
import { guestSays, makeGuestDisk } from './guest-disk.ts';
import { type GuestKernel, installGuestKernel } from './guest-kernel.ts';
import { LibvirtHost } from './libvirt-host.ts';
import { loadSecret } from './libvirt-secret.ts';
import { freeLoopbackNetwork } from './loopback.ts';
import { migrateLive } from './migrate.ts';
import { MigrationAuthority } from './migration-pki.ts';
import { encryptWithQemu } from './qemu-luks.ts';
import { serial } from './serial.ts';
import { separation } from './system-user.ts';
import { tmpfsType, Workdir } from './workdir.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';

describe('two libvirt hosts', { skip }, () => {
  let work: Workdir;
  let one: LibvirtHost;
  let two: LibvirtHost;
  let boot: GuestKernel;

  before(async () => {
    work = await Workdir.create('hosts');
    const address = await freeLoopbackNetwork();
    const authority = await MigrationAuthority.create();
    boot = await installGuestKernel(work.file('guest'));
    const start = async (number: number) => {
      const name = `host${number}`;
      const certificates = await authority.issue(name, address(number));
      return LibvirtHost.start({ name, address: address(number), state: work.file(name), certificates });
    };
    one = await start(1);
    two = await start(2);
  });

  after(async () => {
    await one?.stop();
    await two?.stop();
    await work?.[Symbol.asyncDispose]();
  });

  /** A disk encrypted by qemu-img, and a domain for it. */
  async function encryptedGuest(name: string, marker: string) {
    const [plain, disk, log] = [work.file(`${name}.raw`), work.file(`${name}.luks`), work.file(`${name}.log`)];
    const secret = { uuid: randomUUID(), value: Buffer.from(randomBytes(32).toString('base64url')) };
    await makeGuestDisk({ path: plain, sizeMiB: 16, marker });
    await encryptWithQemu(plain, disk, secret.value);
    const tpm = { secret: secret.uuid };
    const xml = domainXml({
      name,
      uuid: randomUUID(),
      boot,
      disk: { path: disk, secret: secret.uuid },
      serialLog: log,
      tpm,
    });
    return { disk, secret, xml, line: serial(log) };
  }

  test('each has its own folders, name and processes', async () => {
    const names = await Promise.all([one, two].map(async (host) => (await host.exec(['hostname'])).stdout.trim()));
    assert.deepEqual(names, ['host1', 'host2']);
    await one.exec(['touch', '/etc/libvirt/only-here']);
    assert.ok(existsSync(one.path('/etc/libvirt/only-here')));
    assert.ok(!existsSync(two.path('/etc/libvirt/only-here')));
    assert.ok(!existsSync('/etc/libvirt/only-here'));
  });

  test('what libvirt keeps about running guests is in memory, what has to stay is on disk', async () => {
    assert.equal((await statfs(one.path('/var/lib/libvirt/qemu'))).type, tmpfsType);
    assert.notEqual((await statfs(one.path('/var/lib/libvirt/qemu/nvram'))).type, tmpfsType);
  });

  test('input and exit status pass through', async () => {
    const { code, stdout } = await one.exec(['sh', '-c', 'cat; exit 7'], { input: 'in' });
    assert.deepEqual({ code, stdout }, { code: 7, stdout: 'in' });
  });

  test('a spawned program gets its signals and ends with the host', async () => {
    const asked = await one.spawn(['sh', '-c', 'trap "exit 9" TERM; while :; do sleep 0.05; done'], {
      log: work.file('asked.log'),
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(await asked.stop(), 9);
  });

  test('a guest boots from an encrypted disk, survives a restart of libvirtd and moves; power loss ends it', async () => {
    const guest = await encryptedGuest('guest1', 'all is well');
    await one.mustVirsh(['define', '--validate', '/dev/stdin'], guest.xml);
    assert.match((await one.virsh(['start', 'guest1'])).stderr, /[Ss]ecret/, 'starts only with its secret');
    await loadSecret(one, guest.secret.uuid, guest.secret.value);
    await one.mustVirsh(['start', 'guest1']);
    await guest.line.waitFor(guestSays.marker('all is well'), 60_000);
    await guest.line.waitFor(guestSays.boot(1), 5_000);
    await guest.line.waitFor(guestSays.tpm, 5_000);
    await guest.line.waitFor(guestSays.tick, 10_000);
    assert.ok(!(await readFile(guest.disk)).includes('all is well'), 'the disk is encrypted');

    await one.restartLibvirtd();
    assert.equal((await one.mustVirsh(['domstate', 'guest1'])).trim(), 'running');
    await guest.line.waitFor(guestSays.tick, 10_000, await guest.line.mark());

    const users = await one.exec(['ps', '-eo', 'user:32,comm']);
    assert.match(users.stdout, new RegExp(`^${separation.swtpmUser} +swtpm$`, 'm'));
    assert.match(users.stdout, /^libvirt-qemu +qemu-system/m);

    await loadSecret(two, guest.secret.uuid, guest.secret.value);
    await migrateLive('guest1', one, two);
    assert.equal((await one.mustVirsh(['list', '--all', '--name'])).trim(), '');
    await guest.line.waitFor(guestSays.tick, 20_000, await guest.line.mark());

    const inside = (await two.exec(['ps', '-eo', 'comm='])).stdout;
    assert.match(inside, /qemu-system/);
    await two.kill();
    const processes = await run(['pgrep', '-f', guest.disk]);
    assert.equal(processes.stdout, '', 'no process of the guest is left');
    assert.deepEqual(
      (await readdir(two.path('/var/lib/libvirt/qemu'))).filter((n) => n.startsWith('domain-')),
      [],
    );

    await two.boot();
    assert.equal((await two.mustVirsh(['domstate', 'guest1'])).trim(), 'shut off');
    assert.match((await two.virsh(['start', 'guest1'])).stderr, /[Ss]ecret/, 'the secret is gone with the power');
    await loadSecret(two, guest.secret.uuid, guest.secret.value);
    await two.mustVirsh(['start', 'guest1']);
    await guest.line.waitFor(guestSays.boot(2), 60_000);
  });

  test('a host without a certificate of the same authority cannot send guests', async () => {
    const strangers = await MigrationAuthority.create('strangers');
    const address = await freeLoopbackNetwork();
    await using three = await LibvirtHost.start({
      name: 'host3',
      address: address(1),
      state: work.file('host3'),
      certificates: await strangers.issue('host3', address(1)),
    });
    const { code, stderr } = await three.exec(['virsh', '-c', `qemu+tls://${one.address}/system`, 'list']);
    assert.notEqual(code, 0);
    assert.match(stderr, /certificate/i);
  });
});

test('a host whose libvirtd does not start says why', { skip }, async () => {
  await using work = await Workdir.create('bad');
  const address = await freeLoopbackNetwork();
  await using host = await LibvirtHost.create({ name: 'bad', address: address(1), state: work.file('bad') });
  await writeFile(host.path('/etc/libvirt/qemu.conf'), 'user = "nobody-of-this-name"\n');
  await assert.rejects(host.boot(), /nobody-of-this-name/);
  assert.ok(!host.running);
});

test('a run that was killed leaves no process and no mount, and its folder is swept', { skip }, async () => {
  await using work = await Workdir.create('crash');
  const program = work.file('crash.mjs');
  const module = (name: string) => JSON.stringify(new URL(name, import.meta.url).href);
  await writeFile(
    program,
    `import { LibvirtHost } from ${module('./libvirt-host.ts')};
import { freeLoopbackNetwork } from ${module('./loopback.ts')};
import { Workdir } from ${module('./workdir.ts')};
const work = await Workdir.create('crashed');
const address = await freeLoopbackNetwork();
const host = await LibvirtHost.start({ name: 'crashed', address: address(1), state: work.file('h') });
await host.exec(['touch', '/run/vouchsafe/there']);
process.stdout.write(work.path);
process.kill(process.pid, 'SIGKILL');
`,
  );
  const { code, stdout: left } = await run([process.execPath, program]);
  assert.equal(code, 137);
  assert.ok(existsSync(left));
  const { sweepWorkdirs } = await import('./workdir.ts');
  assert.ok((await sweepWorkdirs()).includes(left));
  assert.ok(!existsSync(left));
  assert.equal((await run(['pgrep', '-f', left])).stdout, '');
  assert.ok(!(await readFile('/proc/mounts', 'utf8')).includes(left));
});
