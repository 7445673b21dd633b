import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { diffProfiles } from '@vouchsafe/domain/profile/diff';
import { securityProfile } from '@vouchsafe/domain/profile/profile';
import { LibvirtHost } from './libvirt-host.ts';
import { loadSecret } from './libvirt-secret.ts';
import { freeLoopbackNetwork } from './loopback.ts';
import { makeLuksImage } from './luks-image.ts';
import { migrateLive } from './migrate.ts';
import { MigrationAuthority } from './migration-pki.ts';
import { Workdir } from './workdir.ts';

const skip = process.getuid?.() === 0 ? false : 'needs root';

const seen = '/var/lib/vouchsafe/seen';
/** Keeps what libvirt hands to its hook. */
const hook = `#!/bin/sh
exec cat >"${seen}/$(date +%s%N).$1.$2"
`;
const secrets = {
  disk: 'aaaaaaaa-0000-4000-8000-000000000001',
  copy: 'aaaaaaaa-0000-4000-8000-000000000002',
  tpm: 'bbbbbbbb-0000-4000-8000-000000000001',
};
const passphrase = Buffer.from('q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA');

/** Boots into the firmware and stays there: a guest system changes nothing in what libvirt shows. */
const domain = (name: string, disk: string, os: string, devices = '') => `<domain type='qemu'>
  <name>${name}</name>
  <metadata><vs:keysafe xmlns:vs='urn:vouchsafe:keysafe:1'>{}</vs:keysafe></metadata>
  <memory unit='MiB'>256</memory><vcpu>1</vcpu>
  ${os}
  <devices>
    <disk type='file'><driver name='qemu' type='raw'/>
      <source file='${disk}'><encryption format='luks'><secret type='passphrase' uuid='${secrets.disk}'/></encryption></source>
      <target dev='vda'/></disk>
    <tpm model='tpm-crb'><backend type='emulator' version='2.0' persistent_state='yes'><encryption secret='${secrets.tpm}'/></backend></tpm>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
    <serial type='pty'/><channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='vnc'/><interface type='user'/><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    ${devices}
  </devices>
</domain>`;

const q35 = "<type arch='x86_64' machine='q35'>hvm</type>";
const systems = {
  bios: `<os>${q35}</os><features><acpi/></features>`,
  uefi: `<os>${q35}<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader></os><features><acpi/></features>`,
  chosen: `<os firmware='efi'>${q35}</os><features><acpi/></features>`,
} as const;

describe('the security profile on libvirt', { skip }, () => {
  let work: Workdir;
  let one: LibvirtHost;
  let two: LibvirtHost;

  before(async () => {
    work = await Workdir.create('profile');
    const address = await freeLoopbackNetwork();
    const authority = await MigrationAuthority.create(work.file('pki'));
    const start = async (number: number) => {
      const name = `profile${number}`;
      const certificates = await authority.issue(name, address(number));
      const host = await LibvirtHost.create({ name, address: address(number), state: work.file(name), certificates });
      await mkdir(host.path('/etc/libvirt/hooks'), { recursive: true });
      await writeFile(host.path('/etc/libvirt/hooks/qemu'), hook, { mode: 0o755 });
      await mkdir(host.path(seen), { recursive: true });
      await host.boot();
      for (const uuid of Object.values(secrets)) await loadSecret(host, uuid, passphrase);
      return host;
    };
    one = await start(1);
    two = await start(2);
  });

  after(async () => {
    await one?.stop();
    await two?.stop();
    await work?.[Symbol.asyncDispose]();
  });

  const luks = (path: string) => makeLuksImage(path, passphrase);

  /** What the hook got for this domain, by operation. */
  async function hooked(host: LibvirtHost, name: string): Promise<Map<string, string>> {
    const files = (await readdir(host.path(seen))).filter((file) => file.includes(`.${name}.`)).toSorted();
    const read = files.map(
      async (file) => [file.split('.').at(-1)!, await readFile(`${host.path(seen)}/${file}`, 'utf8')] as const,
    );
    return new Map(await Promise.all(read));
  }

  async function shown(host: LibvirtHost, name: string): Promise<string[]> {
    const forms = [[], ['--inactive'], ['--migratable']].map((form) => host.mustVirsh(['dumpxml', ...form, name]));
    return Promise.all(forms);
  }

  for (const [name, os] of Object.entries(systems)) {
    test(`${name}: defined, started, restarted, copied, migrated, saved, restored: one profile`, async () => {
      const given = domain(name, await luks(work.file(`${name}.luks`)), os);
      const { hash, profile } = securityProfile(given);
      const same = (xml: string, what: string) =>
        assert.equal(
          securityProfile(xml).hash,
          hash,
          `${what}: ${diffProfiles(profile, securityProfile(xml).profile).join('; ')}`,
        );
      const every = async (host: LibvirtHost, when: string) => {
        for (const [at, xml] of (await shown(host, name)).entries()) same(xml, `${when}, form ${at}`);
        for (const [operation, xml] of await hooked(host, name)) same(xml, `${when}, hook ${operation}`);
      };
      await one.mustVirsh(['define', '/dev/stdin'], given);
      same(await one.mustVirsh(['dumpxml', name]), 'defined');
      await one.mustVirsh(['start', name]);
      assert.ok((await hooked(one, name)).has('prepare') && (await hooked(one, name)).has('started'));
      await every(one, 'started');
      await one.restartLibvirtd();
      for (const uuid of Object.values(secrets)) await loadSecret(one, uuid, passphrase);
      assert.ok((await hooked(one, name)).has('reconnect'));
      await every(one, 'libvirtd restarted');
      const copy = await luks(work.file(`${name}-copy.luks`));
      const target = `<disk type='file'><driver name='qemu' type='raw'/><source file='${copy}'><encryption format='luks'><secret type='passphrase' uuid='${secrets.copy}'/></encryption></source></disk>`;
      await one.mustVirsh(
        ['blockcopy', name, 'vda', '--xml', '/dev/stdin', '--wait', '--pivot', '--transient-job', '--reuse-external'],
        target,
      );
      await every(one, 'copied');
      assert.match((await shown(one, name))[1]!, new RegExp(copy));
      await migrateLive(name, one, two);
      assert.ok((await hooked(two, name)).has('migrate') && (await hooked(two, name)).has('prepare'));
      await every(two, 'migrated');
      await two.mustVirsh(['managedsave', name]);
      await every(two, 'saved');
      await two.mustVirsh(['start', name]);
      assert.ok((await hooked(two, name)).has('restore'));
      await every(two, 'restored');
      await two.mustVirsh(['destroy', name]);
      await every(two, 'destroyed');
    });
  }

  test('every change that libvirt accepts is seen in the XML that the hook would get', async () => {
    const disk = work.file('evil.luks');
    const sealed = securityProfile(domain('evil', disk, systems.bios));
    const attacks: Record<string, string> = {
      cdrom: domain(
        'evil',
        disk,
        systems.bios,
        "<disk type='file' device='cdrom'><source file='/x.iso'/><target dev='sdb'/></disk>",
      ),
      'plain disk': domain(
        'evil',
        disk,
        systems.bios,
        "<disk type='file'><source file='/x'/><target dev='vdb'/></disk>",
      ),
      kernel: domain(
        'evil',
        disk,
        systems.bios.replace('</os>', '<kernel>/x</kernel><cmdline>init=/bin/sh</cmdline></os>'),
      ),
      firmware: domain('evil', disk, systems.bios.replace('</os>', "<loader type='rom'>/x</loader></os>")),
      'boot order': domain('evil', disk, systems.bios.replace('</os>', "<boot dev='network'/></os>")),
      filesystem: domain(
        'evil',
        disk,
        systems.bios,
        "<filesystem type='mount'><source dir='/'/><target dir='x'/></filesystem>",
      ),
      hostdev: domain(
        'evil',
        disk,
        systems.bios,
        "<hostdev mode='subsystem' type='usb'><source><vendor id='1'/><product id='2'/></source></hostdev>",
      ),
      'serial in a file': domain('evil', disk, systems.bios, "<serial type='file'><source path='/x'/></serial>"),
      'option ROM': domain('evil', disk, systems.bios, "<interface type='user'><rom file='/x'/></interface>"),
      'shared memory': domain(
        'evil',
        disk,
        systems.bios,
        "<shmem name='x'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>",
      ),
      'memory dump': domain('evil', disk, `${systems.bios}<on_crash>coredump-destroy</on_crash>`),
      credential: domain(
        'evil',
        disk,
        `${systems.bios.replace('</os>', "<smbios mode='sysinfo'/></os>")}<sysinfo type='smbios'><oemStrings><entry>x=y</entry></oemStrings></sysinfo>`,
      ),
      emulator: domain('evil', disk, systems.bios, '').replace(
        '<devices>',
        '<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>',
      ),
      'QEMU command line': domain('evil', disk, systems.bios)
        .replace("type='qemu'", "type='qemu' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'")
        .replace('</domain>', "<q:commandline><q:arg value='-x'/></q:commandline></domain>"),
    };
    for (const [what, xml] of Object.entries(attacks)) {
      await one.mustVirsh(['define', '/dev/stdin'], xml);
      const now = securityProfile(await one.mustVirsh(['dumpxml', 'evil']));
      await one.mustVirsh(['undefine', '--keep-tpm', 'evil']);
      assert.equal(
        now.hash === sealed.hash,
        what === 'emulator',
        `${what}: ${diffProfiles(sealed.profile, now.profile)}`,
      );
      assert.equal(now.hash, securityProfile(xml).hash, `${what}: libvirt changed its form`);
    }
  });
});
