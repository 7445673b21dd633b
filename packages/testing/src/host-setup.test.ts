import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { LibvirtHost } from './libvirt-host.ts';
import { loadSecret } from './libvirt-secret.ts';
import { freeLoopbackNetwork } from './loopback.ts';
import { makeLuksImage } from './luks-image.ts';
import { ensureSeparation } from './system-user.ts';
import { Workdir } from './workdir.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';

const uuid = 'aaaaaaaa-0000-4000-8000-000000000001';
const passphrase = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA';

const domain = (name: string, disk: string, metadata = '') => `<domain type='qemu'>
  <name>${name}</name><metadata>${metadata}</metadata><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type>hvm</type></os>
  <devices><disk type='file'><driver name='qemu' type='raw'/>
    <source file='${disk}'><encryption format='luks'><secret type='passphrase' uuid='${uuid}'/></encryption></source>
    <target dev='vda'/></disk></devices>
</domain>`;

/** What a thief of the system disk finds: every master key, and the passphrases in the logs that it opens. */
async function stolen(root: string, guest: string): Promise<{ keys: number; passphrases: string[] }> {
  const files = await readdir(root, { recursive: true });
  const paths = files.filter((file) => file.endsWith('/master-key.aes')).map((file) => `${root}/${file}`);
  const keys = await Promise.all(paths.map((path) => readFile(path)));
  const log = await readFile(`${root}/var/log/libvirt/qemu/${guest}.log`, 'utf8');
  const sealed = [...log.matchAll(/"qom-type":"secret","id":"libvirt[^}]*?"data":"([^"]+)"[^}]*?"iv":"([^"]+)"/g)];
  assert.ok(sealed.length > 0, 'the log of QEMU holds the passphrase under the master key');
  const opened = keys.flatMap((key) => sealed.flatMap(([, data, iv]) => open(key, data!, iv!)));
  return { keys: keys.length, passphrases: opened };
}

function open(key: Uint8Array, data: string, iv: string): string[] {
  try {
    const cipher = createDecipheriv('aes-256-cbc', key, Buffer.from(iv, 'base64'));
    return [Buffer.concat([cipher.update(Buffer.from(data, 'base64')), cipher.final()]).toString()];
  } catch {
    return [];
  }
}

describe('host preparation on libvirt', { skip }, () => {
  let work: Workdir;
  let host: LibvirtHost;
  let disk: string;

  before(async () => {
    await ensureSeparation();
    work = await Workdir.create('setup');
    const address = (await freeLoopbackNetwork())(1);
    host = await LibvirtHost.start({ name: 'setup', address, state: work.file('host'), qemuStateOnTmpfs: false });
    disk = work.file('disk.luks');
    await makeLuksImage(disk, passphrase);
  });

  after(async () => {
    await host?.stop();
    await work?.[Symbol.asyncDispose]();
  });

  /** Calls a function of host preparation inside the host, where `/etc/udev` is a folder of its own. */
  async function inside(call: 'setupPlan' | 'setupHost' | 'teardownHost'): Promise<{ id: string; done: boolean }[]> {
    const driver = new URL(import.meta.resolve('@vouchsafe/services/host-setup/driver')).href;
    const hook = await readFile(new URL('../../../deploy/hooks/qemu', import.meta.url), 'utf8');
    const options = JSON.stringify({ hook });
    const script = `import { ${call} } from '${driver}'; console.log(JSON.stringify(await ${call}(${options})));`;
    const { code, stdout, stderr } = await host.exec([process.execPath, '--input-type=module', '-e', script]);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  }

  async function startAndLosePower(name: string) {
    await loadSecret(host, uuid, Buffer.from(passphrase));
    await host.mustVirsh(['define', '/dev/stdin'], domain(name, disk));
    await host.mustVirsh(['start', name]);
    await host.kill();
    return stolen(host.root, name);
  }

  test('without preparation, a disk stolen after a power loss opens the guest', async () => {
    const { keys, passphrases } = await startAndLosePower('before');
    assert.equal(keys, 1);
    assert.deepEqual(passphrases, [passphrase]);
  });

  test('with it, the same disk opens nothing; the hook is asked; teardown puts everything back', async () => {
    await host.boot();
    await host.exec(['mount', '-t', 'tmpfs', 'tmpfs', '/etc/udev']);
    // as on a machine with systemd: what is mounted once appears under every name of the folder
    await host.exec(['mount', '--make-rshared', '/']);
    const conf = await readFile(host.path('/etc/libvirt/qemu.conf'), 'utf8');
    const open = (await inside('setupPlan')).filter(({ done }) => !done).map(({ id }) => id);
    assert.ok(open.includes('hook') && open.includes('state-directory') && open.includes('udev'), String(open));
    assert.deepEqual(
      (await inside('setupHost')).map(({ id }) => id),
      open,
    );
    assert.ok((await inside('setupPlan')).every(({ done }) => done));
    assert.deepEqual(await inside('setupHost'), []);

    await host.restartLibvirtd();
    const keysafe = "<k xmlns='urn:vouchsafe:keysafe:1'>{}</k>";
    await host.mustVirsh(['define', '/dev/stdin'], domain('asks', disk, keysafe));
    assert.match(
      (await host.virsh(['start', 'asks'])).stderr,
      /vouchsafe: the agent does not answer .* `vouchsafe host status`/,
    );

    await loadSecret(host, uuid, Buffer.from(passphrase));
    await host.mustVirsh(['define', '/dev/stdin'], domain('running', disk));
    await host.mustVirsh(['start', 'running']);
    const refused = await inside('teardownHost').catch((error: Error) => error.message);
    assert.match(String(refused), /guests are running \(running\)/);
    await host.mustVirsh(['destroy', 'running']);
    await inside('teardownHost');
    assert.equal(await readFile(host.path('/etc/libvirt/qemu.conf'), 'utf8'), conf);
    await assert.rejects(stat(host.path('/etc/libvirt/hooks/qemu.d/vouchsafe')), /ENOENT/);
    const { stdout } = await host.exec(['findmnt', '-n', '-o', 'FSTYPE', '-T', '/var/lib/libvirt/qemu']);
    assert.doesNotMatch(stdout, /tmpfs/);

    await inside('setupHost');
    await host.restartLibvirtd();
    await host.exec(['sh', '-c', 'echo kept > /var/lib/libvirt/qemu/nvram/kept']);
    const { keys, passphrases } = await startAndLosePower('after');
    assert.deepEqual({ keys, passphrases }, { keys: 0, passphrases: [] });
    assert.equal(await readFile(`${host.root}/var/lib/libvirt/qemu/nvram/kept`, 'utf8'), 'kept\n');
  });
});
