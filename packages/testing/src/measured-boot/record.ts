/**
 * Records real measured boots for the repository: `node packages/testing/src/measured-boot/record.ts [NAME...]`.
 * Needs the Debian packages of purpose `e2e`; takes half a minute a boot.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePackages, installedVersions } from '../debian.ts';
import { inCache } from '../debian-unpacked.ts';
import { type Kernel, twoKernels } from '../kernel.ts';
import { replayRecordedBoot } from '../simulated-host.ts';
import { Swtpm } from '../swtpm.ts';
import { TpmAuthority } from '../tpm-authority.ts';
import { Workdir } from '../workdir.ts';
import { measureBoot } from './measure.ts';
import { bootsFolder, loadBoot } from './recorded-boot.ts';

const commandLine = 'console=ttyS0 ima_policy=tcb panic=-1 quiet';

/** The boots that are recorded. Kernel 0 is the newer of two. */
const boots = [
  { name: 'debian12-uki-a', kernel: 0, commandLine },
  { name: 'debian12-uki-b', kernel: 1, commandLine },
  { name: 'debian12-uki-a-cmdline', kernel: 0, commandLine: `${commandLine} init=/bin/sh` },
] as const;

type Boot = (typeof boots)[number];

async function record(boot: Boot, kernel: Kernel): Promise<void> {
  await using work = await Workdir.create('boot');
  const authority = await TpmAuthority.create(work.file('ca'));
  const tpmState = work.file('tpm');
  await authority.manufacture({ state: tpmState, name: 'recorded.example.test' });
  const measured = await measureBoot(work.path, { kernel, commandLine: boot.commandLine, tpmState });
  const target = join(bootsFolder, boot.name);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  await cp(measured, target, { recursive: true });
  await writeFile(join(target, 'versions.txt'), await versions());
  await verify(boot.name, work, authority);
}

/** A recording is good when its logs alone bring a fresh TPM into the recorded state. */
async function verify(name: string, work: Workdir, authority: TpmAuthority): Promise<void> {
  const state = work.file('fresh');
  await authority.manufacture({ state, name: 'fresh.example.test' });
  await using tpm = await Swtpm.start({ state });
  await replayRecordedBoot(await loadBoot(name), tpm.socket);
}

async function versions(): Promise<string> {
  const installed = await installedVersions(['qemu-system-x86', 'ovmf', 'swtpm', 'libtpms0']);
  const fetched = (await inCache()).filter(({ name }) => ['systemd-boot-efi', 'busybox-static'].includes(name));
  return [...installed, ...fetched.map(({ name, version }) => [name, version])]
    .map(([name, version]) => `${name} ${version}\n`)
    .join('');
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
await ensurePackages('e2e', say);
const kernels = await twoKernels(say);
const wanted = process.argv.slice(2);
for (const boot of boots) {
  if (wanted.length > 0 && !wanted.includes(boot.name)) continue;
  const kernel = kernels[boot.kernel];
  say(`recording ${boot.name}: kernel ${kernel.release}, ${boot.commandLine}`);
  await record(boot, kernel);
  const log = await readFile(join(bootsFolder, boot.name, 'binary_bios_measurements'));
  say(`recorded ${boot.name}: event log of ${log.length} bytes, replay gives all PCRs`);
}
