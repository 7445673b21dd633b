import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { must, run } from './command.ts';
import { missingPackages } from './debian.ts';
import { domainXml } from './domain-xml.ts';
import { guestSays, makeGuestDisk } from './guest-disk.ts';
import { installGuestKernel } from './guest-kernel.ts';
import { bootsFolder } from './measured-boot/recorded-boot.ts';
import { serial } from './serial.ts';
import { buildExecutable } from './single-executable.ts';
import { vouchsafe } from './site/program.ts';
import { Site } from './site/site.ts';
import { Workdir } from './workdir.ts';

const missing = await missingPackages('demo');
const needs = missing.length > 0 ? `not installed: ${missing.join(', ')}` : false;

describe('the single executable', () => {
  let work: Workdir;
  let file: string;
  const executable: typeof vouchsafe = (...args) => [file, ...args];

  before(async () => {
    work = await Workdir.create('single');
    file = await buildExecutable(work.file('build'));
  });
  after(async () => {
    await work?.[Symbol.asyncDispose]();
  });

  test('inspects a log as the program of the repository does', async () => {
    const log = join(bootsFolder, 'debian12-uki-a/binary_bios_measurements');
    const said = await must(executable('inspect', 'eventlog', log, '-o', 'json'));
    assert.ok(JSON.parse(said).events.length > 10);
    assert.equal(said, await must(vouchsafe('inspect', 'eventlog', log, '-o', 'json')));
  });

  test('comes without the commands that need the repository', async () => {
    assert.match(await must(vouchsafe('--help')), /^ {2}demo /m);
    assert.doesNotMatch(await must(executable('--help')), /^ {2}(?:demo|dev|test) /m);
  });

  test('loads no code that its environment names', async () => {
    const env = { ...process.env, NODE_OPTIONS: '--require=/nonexistent/code.js' };
    assert.notEqual((await run(vouchsafe('--version'), { env })).code, 0);
    assert.equal((await run(executable('--version'), { env })).code, 0);
  });

  test('carries the libvirt hook', { skip: needs }, async () => {
    const { stdout } = await run(executable('host', 'setup', '--check', '-o', 'json'));
    assert.ok((JSON.parse(stdout) as { id: string }[]).some(({ id }) => id === 'hook'));
  });

  test('is all parts of a site; its threads encrypt a disk, its agent opens it', {
    skip: process.getuid?.() === 0 ? needs : 'needs root',
  }, async () => {
    await using site = await Site.create(work.path, executable);
    await site.startKeyServer();
    await site.startAuthority();
    await site.addProvider('demo');
    await site.startHosts([{ name: 'host1', boot: 'debian12-uki-a' }]);
    await site.registerServices();
    await site.trustTpms();
    const [host] = site.hosts;
    await site.trustBootOf(host!, 'golden');
    await site.approve(host!);
    const local = (...args: string[]) => executable('--run', host!.run, ...args);
    const providers = JSON.parse(await must(local('provider', 'list', '-o', 'json')));
    assert.deepEqual([providers.length, providers[0].name, providers[0].available], [1, 'demo', true]);
    const { code, stderr } = await run(local('provider', 'check', 'other'));
    assert.equal(code, 1);
    assert.match(stderr, /no such key provider: other; there are demo/);
    const [disk, log] = [work.file('vm.img'), work.file('vm.log')];
    const marker = `marker ${randomUUID()}`;
    await makeGuestDisk({ path: disk, sizeMiB: 32, marker });
    const boot = await installGuestKernel(work.file('guest'));
    const xml = domainXml({ name: 'vm', uuid: randomUUID(), boot, disk: { path: disk }, serialLog: log });
    await host!.libvirt.mustVirsh(['define', '/dev/stdin'], xml);
    assert.ok((await readFile(disk)).includes(marker));
    await must(local('vm', 'encrypt', 'vm', '--provider', 'demo'));
    const encrypted = await readFile(disk);
    assert.equal(encrypted.toString('latin1', 0, 4), 'LUKS');
    assert.equal(encrypted.includes(marker), false);
    await host!.libvirt.mustVirsh(['start', 'vm']);
    await serial(log).waitFor(guestSays.marker(marker), 120_000);
  });
});
