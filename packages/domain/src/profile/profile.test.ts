import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { mutations } from '@vouchsafe/bytes/hostile';
import { describeDomain } from './description.ts';
import { deviceRules } from './devices.ts';
import { diffProfiles } from './diff.ts';
import { ProfileError } from './error.ts';
import { partRules } from './parts.ts';
import { codeFiles, parseProfile, profileText, securityProfile } from './profile.ts';

const samples = new URL('testdata/libvirt-9.0/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, samples), 'utf8');
const full = read('full/defined.xml');

for (const domain of readdirSync(samples)) {
  test(`one profile for every form of ${domain}`, () => {
    const forms = readdirSync(new URL(`${domain}/`, samples));
    const hashes = new Map(forms.map((form) => [form, securityProfile(read(`${domain}/${form}`)).hash]));
    assert.equal(new Set(hashes.values()).size, 1, JSON.stringify([...hashes]));
  });
}

test('domains that boot differently have different profiles', () => {
  const hashes = ['full', 'uefi', 'uefi-auto', 'direct'].map(
    (domain) => securityProfile(read(`${domain}/live.xml`)).hash,
  );
  assert.equal(new Set(hashes).size, 4);
});

/** Adds an element at the end of `<devices>`. */
const device = (xml: string) => full.replace('</devices>', `${xml}</devices>`);
/** Adds an element at the end of `<domain>`. */
const part = (xml: string) => full.replace('</domain>', `${xml}</domain>`);
const os = (xml: string) => full.replace('</os>', `${xml}</os>`);

const changes: [what: string, changed: string, words: RegExp][] = [
  [
    'a CD-ROM',
    device("<disk type='file' device='cdrom'><source file='/x.iso'/><target dev='sda'/></disk>"),
    /^cdrom sda \(not encrypted, source file \/x\.iso\) was added$/,
  ],
  [
    'a floppy',
    device("<disk type='file' device='floppy'><source file='/x'/><target dev='fda'/></disk>"),
    /^floppy fda .* was added$/,
  ],
  [
    'a plain disk',
    device("<disk type='file'><source file='/x'/><target dev='vdb'/></disk>"),
    /^disk vdb \(not encrypted, not readonly, source file \/x\) was added$/,
  ],
  [
    'a disk of a socket',
    device("<disk type='vhostuser'><source type='unix' path='/x'/><target dev='vdb'/></disk>"),
    /^disk vdb/,
  ],
  [
    'a disk no longer encrypted',
    full.replace(/<encryption format='luks'[\s\S]*?<\/encryption>(?=\s*<\/source>)/, ''),
    /^disk vda: encrypted was yes, is no$/,
  ],
  [
    'another kind of encryption',
    full.replace("<encryption format='luks'", "<encryption format='qcow'"),
    /encrypted was yes, is no/,
  ],
  [
    'a plain file below the disk',
    full.replace(
      "<target dev='vda'",
      "<backingStore type='file'><format type='raw'/><source file='/x'/></backingStore>$&",
    ),
    /^backing file vda\[1\] \(source file \/x\) was added$/,
  ],
  ['a plain overlay', full.replace("<target dev='vda'", '<transient/>$&'), /^disk vda: transient was unset, is yes$/],
  ['a disk fewer', full.replace(/<disk[\s\S]*<\/disk>/, ''), /^disk vda .* was removed$/],
  ['a kernel', os('<kernel>/x</kernel>'), /^kernel \(value \/x\) was added$/],
  ['a command line', os('<cmdline>init=/bin/sh</cmdline>'), /^kernel command line \(value init=\/bin\/sh\) was added$/],
  ['an initial ramdisk', os('<initrd>/x</initrd>'), /^initial ramdisk/],
  ['a device tree', os('<dtb>/x</dtb>'), /^dtb/],
  ['an ACPI table', os("<acpi><table type='slic'>/x</table></acpi>"), /^ACPI table/],
  ['something new in os', os('<shim>/x</shim>'), /^shim/],
  [
    'boot from CD-ROM',
    full.replace("<boot dev='hd'/>", "<boot dev='cdrom'/>$&"),
    /^boot order: order was "hd", is "cdrom, hd"$/,
  ],
  [
    'boot from the network',
    full.replace("<boot dev='hd'/>", '').replace("<interface type='user'>", "$&<boot order='1'/>"),
    /^boot order: order was "hd", is "interface"$/,
  ],
  ['a boot menu', os("<bootmenu enable='yes'/>"), /^boot menu was added$/],
  ['own firmware', os("<loader type='rom'>/tmp/x.fd</loader>"), /^firmware: code was "host", is "\/tmp\/x\.fd"$/],
  ['firmware by a detour', os("<loader type='rom'>/usr/share/OVMF/../../../tmp/x.fd</loader>"), /^firmware: code/],
  ['UEFI firmware', full.replace('<os>', "<os firmware='efi'>"), /^firmware: type was "rom", is "pflash"$/],
  ['SMBIOS strings', os("<smbios mode='sysinfo'/>"), /^SMBIOS/],
  [
    'a credential for systemd',
    part("<sysinfo type='smbios'><oemStrings><entry>io.systemd.credential:a=b</entry></oemStrings></sysinfo>"),
    /^system information/,
  ],
  [
    'a file for the guest',
    part("<sysinfo type='fwcfg'><entry name='opt/x' file='/x'/></sysinfo>"),
    /^system information/,
  ],
  [
    'a directory of the host',
    device("<filesystem><source dir='/'/><target dir='x'/></filesystem>"),
    /^filesystem x .* was added$/,
  ],
  [
    'a PCI device',
    device("<hostdev mode='subsystem' type='pci'><source><address bus='0' slot='3'/></source></hostdev>"),
    /^device of the host subsystem pci/,
  ],
  ['USB redirection', device("<redirdev bus='usb' type='spicevmc'/>"), /^redirected device usb spicevmc was added$/],
  ['shared memory', device("<shmem name='x'/>"), /^shared memory region x was added$/],
  ['a smart card', device("<smartcard mode='host'/>"), /^smartcard/],
  [
    'a persistent memory module',
    device("<memory model='nvdimm'><source><path>/x</path></source></memory>"),
    /^memory module \/x/,
  ],
  [
    'a serial port in a file',
    device("<serial type='file'><source path='/x'/></serial>"),
    /^serial file path=\/x was added$/,
  ],
  [
    'a console in a file',
    device("<console type='file'><source path='/x'/></console>"),
    /^serial file path=\/x was added$/,
  ],
  [
    'a serial port on the network',
    device("<serial type='tcp'><source mode='bind' host='0.0.0.0' service='1'/></serial>"),
    /^serial tcp/,
  ],
  [
    'a parallel port of the host',
    device("<parallel type='dev'><source path='/dev/parport0'/></parallel>"),
    /^parallel dev/,
  ],
  [
    'a console that is logged',
    device("<serial type='pty'><log file='/x'/></serial>"),
    /^log file serial \/x was added$/,
  ],
  [
    'an agent elsewhere',
    device("<channel type='unix'><source mode='bind' path='/tmp/x'/><target type='virtio'/></channel>"),
    /^channel unix/,
  ],
  [
    'a known source of random numbers',
    device("<rng><backend model='random'>/zeros</backend></rng>"),
    /^random source \/zeros was added$/,
  ],
  [
    'random numbers of a daemon',
    device("<rng><backend model='egd' type='tcp'><source host='x' service='1'/></backend></rng>"),
    /^random source tcp/,
  ],
  ['a vTPM in plain', full.replace(/<encryption secret=[^>]*>/, ''), /^vTPM emulator: encrypted was yes, is no$/],
  [
    'the TPM of the host',
    full.replace(
      /<backend type='emulator'[\s\S]*?<\/backend>/,
      "<backend type='passthrough'><device path='/dev/tpm0'/></backend>",
    ),
    /^vTPM/,
  ],
  [
    'a console on the network',
    device("<graphics type='vnc' listen='0.0.0.0'/>"),
    /^console on the network vnc was added$/,
  ],
  [
    'a network that maps memory',
    device("<interface type='vhostuser'><source type='unix' path='/x'/></interface>"),
    /^interface vhostuser/,
  ],
  [
    'an option ROM',
    full.replace("<interface type='user'>", "$&<rom file='/x.rom'/>"),
    /^option ROM interface \/x\.rom was added$/,
  ],
  ['a script', full.replace("<interface type='user'>", "$&<script path='/x'/>"), /^interface script/],
  ['sound in a file', device("<audio id='2' type='file' path='/x'/>"), /^audio file/],
  ['a keyboard of the host', device("<input type='evdev'><source dev='/dev/input/event1'/></input>"), /^input/],
  [
    'another emulator',
    full.replace(/<emulator>.*<\/emulator>/, '<emulator>/tmp/qemu-system-x86_64</emulator>'),
    /^emulator/,
  ],
  [
    'memory dumped by the watchdog',
    device("<watchdog model='i6300esb' action='dump'/>"),
    /^memory dump watchdog was added$/,
  ],
  [
    'memory dumped on a crash',
    full.replace(/<on_crash>.*<\/on_crash>/, '<on_crash>coredump-restart</on_crash>'),
    /^memory dump on_crash was added$/,
  ],
  ['memory in a file', part("<memoryBacking><source type='file'/></memoryBacking>"), /^memory in a file was added$/],
  [
    'memory of other processes',
    part("<memoryBacking><access mode='shared'/></memoryBacking>"),
    /^shared memory was added$/,
  ],
  [
    'another user for QEMU',
    part("<seclabel type='static' model='dac'><label>x:x</label></seclabel>"),
    /^security label dac/,
  ],
  [
    'options for QEMU',
    part("<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><q:arg value='-x'/></q:commandline>"),
    /^hypervisor command line .* was added$/,
  ],
  ['overrides for QEMU', part("<q:override xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'/>"), /^override/],
  [
    'memory encryption',
    part("<launchSecurity type='sev'><policy>0x3</policy></launchSecurity>"),
    /^memory encryption sev/,
  ],
  ['a device nobody knows', device("<telepathy range='far'/>"), /^telepathy .* was added$/],
  ['a device by the name of a method', device('<constructor/>'), /^constructor .* was added$/],
  ['a part nobody knows', part('<afterlife/>'), /^afterlife/],
];

for (const [what, changed, words] of changes) {
  test(`${what} changes the profile`, () => {
    assert.notEqual(changed, full, 'the sample lacks what this change replaces');
    const [sealed, present] = [securityProfile(full), securityProfile(changed)];
    assert.notEqual(present.hash, sealed.hash);
    assert.match(diffProfiles(sealed.profile, present.profile)[0] ?? '', words);
    assert.notDeepEqual(diffProfiles(present.profile, sealed.profile), []);
  });
}

const harmless: [what: string, changed: string][] = [
  ['more memory', full.replaceAll('131072', '262144')],
  ['more processors', full.replace('>1</vcpu>', '>4</vcpu>')],
  ['another network card', device("<interface type='network'><source network='default'/></interface>")],
  ['an empty drive', device("<disk type='file' device='cdrom'><target dev='sda'/><readonly/></disk>")],
  ['a graphics console of this host', device("<graphics type='vnc' listen='127.0.0.1'/>")],
  ['a newer machine', full.replace('pc-q35-7.2', 'pc-q35-8.2')],
  ['KVM', full.replace("<domain type='qemu'", "<domain type='kvm'")],
  ['a moved disk', full.replace('/srv/vm/a.luks', '/mnt/other/b.qcow2').replace("type='raw'", "type='qcow2'")],
  ['another secret', full.replace(/(type='passphrase' uuid=')[^']*/, '$1cccccccc-0000-4000-8000-000000000001')],
  ['a comment', full.replace('<devices>', '<!-- <disk/> --><devices>')],
];

for (const [what, changed] of harmless) {
  test(`${what} leaves the profile as it is`, () => {
    assert.notEqual(changed, full, 'the sample lacks what this change replaces');
    assert.equal(securityProfile(changed).hash, securityProfile(full).hash);
  });
}

test('Secure Boot switched off is a change, however it is done', () => {
  const sealed = securityProfile(read('uefi-auto/defined.xml')).hash;
  const auto = read('uefi-auto/defined.xml');
  const off = "<firmware><feature enabled='no' name='secure-boot'/></firmware></os>";
  assert.notEqual(securityProfile(auto.replace('</os>', off)).hash, sealed);
  assert.notEqual(securityProfile(auto.replace('pc-q35-7.2', 'pc-i440fx-7.2')).hash, sealed);
  assert.notEqual(securityProfile(read('uefi-auto/live.xml').replace("secure='yes'", '')).hash, sealed);
});

test('another kernel in the same file is a change, where its digest is known', () => {
  const xml = read('direct/defined.xml');
  assert.deepEqual(codeFiles(xml), ['/srv/vm/vmlinuz', '/srv/vm/initrd']);
  assert.deepEqual(codeFiles(read('uefi/live.xml')), []);
  const [sealed, present] = ['one', 'two'].map((digest) =>
    securityProfile(xml, new Map([['/srv/vm/vmlinuz', digest]])),
  );
  assert.deepEqual(diffProfiles(sealed!.profile, present!.profile), ['kernel: sha256 was "one", is "two"']);
});

test('variables of the firmware elsewhere are a change', () => {
  const uefi = read('uefi/live.xml');
  const { hash } = securityProfile(uefi);
  for (const nvram of ['<nvram>/tmp/x</nvram>', "<nvram type='network'><source protocol='nbd' name='x'/></nvram>"])
    assert.notEqual(securityProfile(uefi.replace(/<nvram.*<\/nvram>/, nvram)).hash, hash);
});

test('a stored profile comes back and can be compared', () => {
  const { profile } = securityProfile(full);
  assert.deepEqual(diffProfiles(parseProfile(profileText(profile)), profile), []);
  for (const text of [
    '',
    '{}',
    'null',
    '{"facts":[],"v":2}',
    `${profileText(profile)} `,
    '{"facts":[{"kind":1,"id":""}],"v":1}',
  ])
    assert.throws(() => parseProfile(text), ProfileError);
});

test('every device of the installed libvirt is thought of', (t) => {
  const schema = '/usr/share/libvirt/schemas/domaincommon.rng';
  if (!existsSync(schema)) return t.skip('no libvirt schema on this machine');
  const text = readFileSync(schema, 'utf8');
  const define = (name: string) => text.match(new RegExp(`<define name="${name}">[\\s\\S]*?</define>`))?.[0] ?? '';
  const firstElement = (name: string) => define(name).match(/<element name="([^"]+)"/)?.[1];
  const inside = (name: string) => [...define(name).matchAll(/<ref name="([^"]+)"/g)].map(([, ref]) => ref!);
  const devices = inside('devices').map(firstElement);
  assert.ok(devices.length > 20);
  assert.deepEqual(
    devices.filter((name) => name !== undefined && !Object.hasOwn(deviceRules, name)),
    [],
  );
  const parts = inside('domaincontents')
    .map(firstElement)
    .filter((name) => name !== undefined && !name.includes(':'));
  assert.ok(parts.length > 5);
  const verbatim = ['datacenterpath', 'idmap', 'capabilities', 'commandline', 'deprecation', 'override', 'namespace'];
  assert.deepEqual(
    parts.filter((name) => !Object.hasOwn(partRules, name!) && !verbatim.includes(name!)),
    [],
  );
});

test('a domain is described', () => {
  const { keysafe, ...rest } = describeDomain(read('full/hook-prepare.xml'));
  assert.equal(keysafe, '{"v":1,"vm":"sample"}');
  assert.deepEqual(rest, {
    name: 'full',
    uuid: '11111111-0000-4000-8000-000000000002',
    disks: [
      {
        target: 'vda',
        device: 'disk',
        format: 'raw',
        source: { kind: 'file', name: '/srv/vm/a.luks' },
        readonly: false,
        encrypted: { format: 'luks', secretUuid: 'aaaaaaaa-0000-4000-8000-000000000001' },
        backing: 'unsaid',
      },
    ],
    tpm: { encryptionSecret: 'bbbbbbbb-0000-4000-8000-000000000001' },
  });
});

const malformed: [what: string, xml: string, message: RegExp][] = [
  ['nothing', '', /not well-formed/],
  ['no XML', 'hello', /not well-formed/],
  ['cut short', full.slice(0, -12), /not well-formed/],
  ['two roots', `${full}${full}`, /not well-formed/],
  ['an attribute twice', "<domain type='a' type='b'/>", /not well-formed/],
  ['an unknown entity', '<domain>&x;</domain>', /not well-formed/],
  ['a document type', `<!DOCTYPE domain [<!ENTITY x "y">]>${full}`, /document type/],
  ['another root', '<network/>', /expected element domain, found network/],
  ['a root of another namespace', "<domain xmlns='urn:x'/>", /expected element domain/],
  ['too large', full.replace('</name>', `${' '.repeat(1 << 20)}</name>`), /limit 1048576/],
  ['too deep', `<domain>${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}</domain>`, /nest deeper than 100/],
  ['no name', full.replace('<name>full</name>', ''), /domain\.name: missing/],
  ['no UUID', full.replace(/<uuid>.*<\/uuid>/, '<uuid>1</uuid>'), /domain\.uuid: not valid/],
  ['no target', full.replace("dev='vda'", ''), /target is missing/],
  ['one target twice', device("<disk><target dev='vda'/></disk>"), /target vda is there twice/],
  [
    'two key safes',
    full.replace('</metadata>', "<k xmlns='urn:vouchsafe:keysafe:1'>x</k></metadata>"),
    /more than one key safe/,
  ],
];

for (const [what, xml, message] of malformed) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => describeDomain(xml),
      (e) => e instanceof ProfileError && message.test(e.message),
    );
  });
}

test('mutated XML is read or refused, nothing else', () => {
  const texts = ['full/live.xml', 'every-device/defined.xml'].map((path) => new TextEncoder().encode(read(path)));
  let refused = 0;
  mutations(texts, 7, 400, (bytes) => {
    try {
      const xml = new TextDecoder().decode(bytes);
      describeDomain(xml);
      assert.match(securityProfile(xml).hash, /^[\w-]{43}$/);
    } catch (e) {
      assert.ok(e instanceof ProfileError, String(e));
      refused++;
    }
  });
  assert.ok(refused > 0 && refused < 400);
});
