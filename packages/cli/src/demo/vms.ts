import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpClient } from '@vouchsafe/services/http/client';
import { must } from '@vouchsafe/testing/command';
import { domainXml } from '@vouchsafe/testing/domain-xml';
import { guestSays, makeGuestDisk } from '@vouchsafe/testing/guest-disk';
import { type GuestKernel, installGuestKernel } from '@vouchsafe/testing/guest-kernel';
import { migrateLive } from '@vouchsafe/testing/migrate';
import { serial } from '@vouchsafe/testing/serial';
import { type DemoStage, type DemoVm, expect, vmOf } from './stage.ts';

const bootLimit = 90_000;

/** Makes two VMs with file systems on plain disks and encrypts them. vm2 waits for the outage. */
export async function encryptVms(stage: DemoStage): Promise<string[]> {
  const kernel = await installGuestKernel(join(stage.folder, 'guest'));
  const vm1 = await makeVm(stage, kernel, 'vm1', 64);
  await makeVm(stage, kernel, 'vm2', 16);
  expect(await holds(vm1), 'the plain image should hold the marker');
  for (const vm of stage.vms.values()) await encrypt(stage, vm);
  expect(!(await holds(vm1)), 'the marker is still in the image');
  const { format, 'format-specific': luks } = JSON.parse(
    await must(['qemu-img', 'info', '--output=json', vm1.disk]),
  ) as QemuInfo;
  expect(
    format === 'luks' && luks.data['cipher-alg'] === 'aes-256' && luks.data['cipher-mode'] === 'xts',
    `QEMU does not take the image for LUKS: ${format}`,
  );
  return [
    `the marker ${JSON.stringify(vm1.marker)} was in ${vm1.disk}; now it is not`,
    `QEMU: ${format}, ${luks.data['cipher-alg']}-${luks.data['cipher-mode']}, UUID ${luks.data.uuid}`,
    'the key is wrapped in the domain’s metadata and beside the disk; no plaintext of it is on any disk',
  ];
}

/** Starts the VM as any administrator would. */
export async function startVm(stage: DemoStage): Promise<string[]> {
  const vm = vmOf(stage, 'vm1');
  const { libvirt } = stage.site.host('host1');
  await libvirt.mustVirsh(['start', vm.name]);
  await vm.line.waitFor(guestSays.marker(vm.marker), bootLimit);
  await vm.line.waitFor(guestSays.boot(1), bootLimit);
  const secrets = (await libvirt.mustVirsh(['secret-list'])).trim();
  expect(secrets === '', `libvirt still holds secrets: ${secrets}`);
  return [`the guest says: ${guestSays.marker(vm.marker)}; ${guestSays.boot(1)}`, 'libvirt holds no secret any more'];
}

/** Moves the VM while it runs. */
export async function migrateVm(stage: DemoStage): Promise<string[]> {
  const vm = vmOf(stage, 'vm1');
  const [from, to] = [stage.site.host('host1').libvirt, stage.site.host('host2').libvirt];
  await migrateLive(vm.name, from, to);
  await vm.line.waitFor(guestSays.tick, bootLimit, await vm.line.mark());
  const state = (await to.mustVirsh(['domstate', vm.name])).trim();
  expect(state === 'running', `${vm.name} is ${state} on host2`);
  return ['the guest runs on host2 and goes on ticking; host2 proved itself before it got the key'];
}

async function makeVm(
  { folder, vms, site }: DemoStage,
  boot: GuestKernel,
  name: string,
  sizeMiB: number,
): Promise<DemoVm> {
  const [disk, log, uuid, marker] = [
    join(folder, `${name}.img`),
    join(folder, `${name}.log`),
    randomUUID(),
    `marker of ${name} ${randomUUID()}`,
  ];
  await makeGuestDisk({ path: disk, sizeMiB, marker });
  const xml = domainXml({ name, uuid, boot, disk: { path: disk }, serialLog: log });
  await site.host('host1').libvirt.mustVirsh(['define', '/dev/stdin'], xml);
  const vm = { name, uuid, disk, marker, line: serial(log) };
  vms.set(name, vm);
  return vm;
}

async function encrypt({ site }: DemoStage, { name }: DemoVm): Promise<void> {
  const client = new HttpClient({ socket: join(site.host('host1').run, 'kmxa-admin.sock') });
  try {
    for await (const _progress of client.stream('POST', `/trusted-infrastructure/vms/${name}/encrypt`, {
      provider: 'demo',
    }));
  } finally {
    await client.close();
  }
}

const holds = async ({ disk, marker }: DemoVm): Promise<boolean> => (await readFile(disk)).includes(marker);

interface QemuInfo {
  readonly format: string;
  readonly 'format-specific': { readonly data: Readonly<Record<string, string>> };
}
