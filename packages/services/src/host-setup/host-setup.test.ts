import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type HostSetupOptions, setupHost, setupPlan, teardownHost } from './driver.ts';
import { hostCheck } from './host-check.ts';
import { HostSetupError } from './item.ts';
import { names } from './names.ts';
import { stateDirectoryOnMemory, swapIsSafe, tpmDeviceAccess } from './runtime-checks.ts';
import { setting, withoutSettings, withSettings } from './settings.ts';
import { unitPath } from './state-mounts.ts';

const conf = '# TPM emulators\nswtpm_user = "tss"\nuser = "libvirt-qemu"\n#swtpm_group = "x"\n';
const hookText = '#!/bin/sh\n';

/** /tmp may be in memory, and whether a folder is on a disk is what is looked at. */
const onDisk = '/var/tmp';

/** A host in a folder. Commands are remembered; the ones that make users and mounts leave their trace. */
function fakeHost({ systemd = false, guests = [] as string[] } = {}) {
  const root = mkdtempSync(join(onDisk, 'vouchsafe-root-'));
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const read = (path: string) => readFileSync(join(root, path), 'utf8');
  put(names.qemuConf, conf);
  put('/etc/passwd', 'root:x:0:0::/root:/bin/sh\n');
  put('/etc/group', 'root:x:0:\n');
  put('/proc/self/mounts', 'rootfs / ext4 rw 0 0\n');
  for (const name of guests) put(`/run/libvirt/qemu/${name}.xml`, 'x');
  mkdirSync(join(root, names.stateDirectory), { recursive: true });
  if (systemd) mkdirSync(join(root, '/run/systemd/system'), { recursive: true });
  const ran: string[] = [];
  const mounted = (line: (mounts: string) => string) => put('/proc/self/mounts', line(read('/proc/self/mounts')));
  const run: HostSetupOptions['run'] = async (argv) => {
    const last = argv.at(-1)!;
    ran.push(argv.join(' '));
    if (argv[0] === 'groupadd') put('/etc/group', `${read('/etc/group')}${last}:x:900:\n`);
    if (argv[0] === 'useradd') put('/etc/passwd', `${read('/etc/passwd')}${last}:x:901:901::/:/bin/false\n`);
    if (argv[0] === 'userdel' || argv[0] === 'groupdel')
      for (const path of ['/etc/passwd', '/etc/group'])
        put(
          path,
          read(path)
            .split('\n')
            .filter((line) => !line.startsWith(`${last}:`))
            .join('\n'),
        );
    if (argv[0] === 'mount') mounted((mounts) => `${mounts}x ${last} ${argv[2]} rw 0 0\n`);
    if (argv[0] === 'umount')
      mounted((mounts) =>
        mounts
          .split('\n')
          .filter((line) => line.split(' ')[1] !== last)
          .join('\n'),
      );
    if (argv.join(' ').startsWith('systemctl enable'))
      for (const unit of argv.slice(3))
        mounted((mounts) => `${mounts}x ${read(`${names.units}/${unit}`).match(/Where=(.*)/)![1]} x rw 0 0\n`);
    if (argv.join(' ').startsWith('systemctl disable')) put('/proc/self/mounts', 'rootfs / ext4 rw 0 0\n');
  };
  return {
    root,
    read,
    ran,
    put,
    options: { root, hook: hookText, run },
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}

for (const systemd of [false, true]) {
  test(`setup, setup again, teardown, teardown again ${systemd ? 'with' : 'without'} systemd`, async () => {
    using host = fakeHost({ systemd });
    const plan = await setupPlan(host.options);
    assert.ok(
      plan
        .filter(({ id }) => id !== 'swtpm-files')
        .every(({ done, why, wanted }) => !done && why !== '' && wanted !== ''),
    );
    assert.deepEqual(host.ran, []);
    assert.equal(host.read(names.qemuConf), conf);

    await setupHost(host.options);
    assert.equal(host.read(names.hook), hookText);
    assert.equal(statSync(join(host.root, names.hook)).mode & 0o777, 0o755);
    assert.equal(setting(host.read(names.qemuConf), 'swtpm_user'), names.swtpmUser);
    assert.ok(
      (await setupPlan(host.options)).every(({ done }) => done),
      JSON.stringify(await setupPlan(host.options)),
    );
    const commands = host.ran.length;
    assert.deepEqual(await setupHost(host.options), []);
    assert.equal(host.ran.length, commands);

    await teardownHost(host.options);
    assert.equal(host.read(names.qemuConf), conf);
    for (const path of [names.hook, names.udevRule, names.record, names.libvirtdDropIn])
      assert.throws(() => statSync(join(host.root, path)), /ENOENT/, path);
    assert.doesNotMatch(host.read('/etc/passwd') + host.read('/etc/group'), /vouchsafe/);
    assert.doesNotMatch(host.read('/proc/self/mounts'), /libvirt/);
    assert.deepEqual(await teardownHost(host.options), []);
  });
}

test('memory is not mounted over the state of running guests', async () => {
  using host = fakeHost({ guests: ['web'] });
  await assert.rejects(
    setupHost(host.options),
    (e) => e instanceof HostSetupError && e.code === 'guests-running' && /web/.test(e.message),
  );
  assert.deepEqual(host.ran, []);
});

test('keys that a power loss left on disk are removed', async () => {
  using host = fakeHost();
  host.put(`${names.stateDirectory}/domain-1-web/master-key.aes`, 'x');
  host.put(`${names.stateDirectory}/nvram/web_VARS.fd`, 'x');
  await setupHost(host.options);
  assert.throws(() => host.read(`${names.stateDirectory}/domain-1-web/master-key.aes`), /ENOENT/);
  assert.equal(host.read(`${names.stateDirectory}/nvram/web_VARS.fd`), 'x');
});

test('a host without libvirt is told so', async () => {
  using host = fakeHost();
  rmSync(join(host.root, '/etc/libvirt'), { recursive: true });
  await assert.rejects(setupPlan(host.options), (e) => e instanceof HostSetupError && e.code === 'no-libvirt');
});

test('users that were there before stay', async () => {
  using host = fakeHost();
  host.put('/etc/group', `root:x:0:\n${names.tpmGroup}:x:900:\n`);
  await setupHost(host.options);
  await teardownHost(host.options);
  assert.match(host.read('/etc/group'), new RegExp(names.tpmGroup));
});

test('settings go in and out, and what the administrator changes in between stays', () => {
  const wanted = { swtpm_user: 'a', swtpm_group: 'b' };
  for (const text of [conf, '', 'x = 1', `${conf}\n\n`]) {
    const set = withSettings(text, wanted);
    assert.equal(setting(set, 'swtpm_user'), 'a');
    assert.equal(withSettings(set, wanted), set);
    assert.equal(withoutSettings(set).trimEnd(), text.trimEnd());
  }
  const edited = withSettings(conf, wanted).replace('user = "libvirt-qemu"', 'user = "other"');
  assert.equal(withoutSettings(edited), conf.replace('user = "libvirt-qemu"', 'user = "other"'));
});

test('no unit waits for what is mounted on its own source', async () => {
  using host = fakeHost({ systemd: true });
  await setupHost(host.options);
  const units = host.ran
    .find((line) => line.startsWith('systemctl enable'))!
    .split(' ')
    .slice(3);
  const mounts = units.map((unit) => host.read(`${names.units}/${unit}`));
  const value = (unit: string, key: string) => unit.match(new RegExp(`^${key}=(.*)$`, 'm'))![1]!;
  // systemd.mount(5): a bind mount requires every mount on the path of its source, which must come before it
  for (const [at, unit] of mounts.entries())
    for (const later of mounts.slice(at))
      assert.ok(!`${value(unit, 'What')}/`.startsWith(`${value(later, 'Where')}/`), unit);
});

test('systemd.unit(5): paths in unit names are escaped', () => {
  assert.equal(
    unitPath('/var/lib/vouchsafe/libvirt-qemu/x'),
    '/etc/systemd/system/var-lib-vouchsafe-libvirt\\x2dqemu-x.mount',
  );
});

test('swap counts as safe only in memory or under a key made at boot', async () => {
  using host = fakeHost();
  const head = 'Filename\tType\tSize\tUsed\tPriority\n';
  const swaps = (...areas: string[]) =>
    host.put('/proc/swaps', head + areas.map((area) => `${area} partition 1 0 -2\n`).join(''));
  host.put('/sys/class/block/dm-0/dm/uuid', 'CRYPT-PLAIN-swap\n');
  host.put('/sys/class/block/dm-1/dm/uuid', 'CRYPT-LUKS2-0-swap\n');
  host.put('/sys/class/block/zram1/backing_dev', '/dev/sda3\n');
  for (const area of ['/dev/dm-0', '/dev/zram0']) {
    swaps(area);
    assert.deepEqual(await swapIsSafe(host.root), { safe: true, unsafe: [] });
  }
  for (const area of ['/dev/sda2', '/swapfile', '/dev/dm-1', '/dev/dm-2', '/dev/zram1']) {
    swaps('/dev/dm-0', area);
    assert.deepEqual(await swapIsSafe(host.root), { safe: false, unsafe: [area] });
  }
  swaps();
  assert.equal((await swapIsSafe(host.root)).safe, true);
});

test('the state directory counts as memory only on tmpfs or ramfs', async () => {
  assert.equal(await stateDirectoryOnMemory('/proc'), false);
  await assert.rejects(stateDirectoryOnMemory('/no/such/folder'), /ENOENT/);
});

test('everybody who may use the TPM is named', async () => {
  using host = fakeHost();
  host.put('/dev/tpmrm0', '');
  const device = join(host.root, '/dev/tpmrm0');
  const { uid, gid } = statSync(device);
  const mine = uid === 0 ? 'root' : 'me';
  host.put('/etc/passwd', `${mine}:x:${uid}:12345::/:/bin/sh\nswtpm:x:700:${gid}::/:/bin/sh\n`);
  host.put('/etc/group', `tpm:x:${gid}:tss,agent\n`);
  const { chmodSync } = await import('node:fs');
  chmodSync(device, 0o660);
  const access = await tpmDeviceAccess(device, ['agent', mine], host.root);
  assert.deepEqual(access.members, ['swtpm', 'tss', 'agent']);
  assert.equal(access.problems.length, 2);
  chmodSync(device, 0o666);
  assert.match((await tpmDeviceAccess(device, ['agent', mine], host.root)).problems.join(), /open to every user/);
  chmodSync(device, 0o600);
  assert.deepEqual((await tpmDeviceAccess(device, [mine], host.root)).problems, []);
});

test('the page of checks says what to do about every line that is not ok', async () => {
  using host = fakeHost();
  const lines = await hostCheck({ root: host.root, ask: async () => undefined });
  assert.ok(lines.length > 10 && lines.every(({ status, advice }) => (status === 'ok') === (advice === '')));
  assert.ok(lines.every(({ status }) => status !== 'ok'));
  host.put('/proc/swaps', 'Filename\n');
  host.put('/sys/class/tpm/tpm0/pcr-sha256/0', '00');
  host.put(names.hook, '');
  const better = await hostCheck({ root: host.root, ask: async () => 'libvirtd (libvirt) 9.0.0' });
  const okay = better.filter(({ status }) => status === 'ok').map(({ id }) => id);
  assert.deepEqual(okay, ['pcr.sha256', 'libvirt', 'qemu', 'hook', 'swap']);
  const old = await hostCheck({ root: host.root, ask: async () => 'libvirtd (libvirt) 6.4.0' });
  assert.match(old.find(({ id }) => id === 'libvirt')!.found, /too old/);
});
