import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import type { BaseImage } from '@vouchsafe/domain/attestation/base-image';
import { readListFile } from '@vouchsafe/domain/attestation/ima/ima-list';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { must } from './command.ts';
import { missingPackages } from './debian.ts';
import { type Kernel, twoKernels } from './kernel.ts';
import { checkedProvider, failuresOf, WholeHostSite } from './whole-host-day.ts';

const missing = await missingPackages('e2e');
const needs = missing.length > 0 ? `not installed: ${missing.join(', ')}` : false;
const images = '/attestation/os/base-images';

describe('whole hosts as virtual machines, with the agent as a single executable', {
  skip: process.getuid?.() === 0 ? needs : 'needs root: the Trust Authority host runs as root',
}, () => {
  let whole: WholeHostSite;
  /** Today's kernel and the next one. */
  let kernels: { readonly old: Kernel; readonly next: Kernel };

  before(async () => {
    whole = await WholeHostSite.create('attest', ['kvm1', 'kvm2']);
    const [next, old] = await twoKernels();
    kernels = { old, next };
  });
  after(async () => await whole?.[Symbol.asyncDispose]());

  const trust = (image: unknown, activate: boolean) =>
    whole.attestd('POST', images, { image, userspace_unmeasured: true, activate });

  /** Makes a list of what the golden host measured, and imports it with the image that names it. */
  async function trustFiles(image: unknown, imaLog: Uint8Array): Promise<void> {
    const [log, file] = [whole.work.file('golden.ima'), whole.work.file('golden.sha256')];
    await writeFile(log, imaLog);
    const leaving = changing.flatMap((glob) => ['--exclude', glob]);
    await must([whole.executable, 'ima', 'list', 'create', 'files', '--from-log', log, '--file', file, ...leaving]);
    await whole.attestd('POST', '/attestation/ima/lists', {
      list: readListFile(file, await readFile(file, 'utf8'), new Date()),
    });
    await whole.attestd('PATCH', '/attestation/ima/policy', { excludes: changing });
    await whole.attestd('POST', images, { image, activate: true });
  }

  test('a host is refused until its boot, its files and its TPM are trusted, then gets a key', async () => {
    const { imaLog, firstCheck, secondCheck } = await whole.day({
      host: 'kvm1',
      image: 'golden',
      kernel: kernels.old,
      capture: '--agent --ima-list files',
      told: async (image, log) => {
        await trustFiles(image, log);
        await whole.approveWaiting('kvm1');
      },
    });
    assert.equal(firstCheck.status, 3);
    assert.match(firstCheck.text, /fail host\.not-enrolled: /);
    assert.deepEqual([secondCheck.status, checkedProvider(secondCheck)], [0, 'demo']);
    assert.ok((await whole.keysReleased()) > 0, 'the Key Provider Service recorded the release');
    const digest = createHash('sha256')
      .update(await readFile(whole.executable))
      .digest('hex');
    assert.ok(
      decodeImaLog(imaLog).some(({ fields }) => fields.digest !== undefined && hex(fields.digest.value) === digest),
      'the executable, which is all of the agent, is in the IMA log',
    );
  });

  test('one changed byte in the agent on the root disk: refused for that file and nothing else', async () => {
    const before = await whole.keysReleased();
    const executable = join(whole.work.file('changed'), basename(whole.executable));
    await mkdir(dirname(executable));
    await writeFile(executable, changedByte(await readFile(whole.executable)), { mode: 0o755 });
    let reported: unknown;
    const { firstCheck, secondCheck } = await whole.day({
      host: 'kvm1',
      image: 'changed-agent',
      kernel: kernels.old,
      executable,
      told: async (image) => {
        reported = image;
      },
    });
    const failures = ['ima.changed-file', 'agent.measured'];
    assert.deepEqual([firstCheck.status, failuresOf(firstCheck)], [3, failures], firstCheck.text);
    assert.match(firstCheck.text, /fail ima\.changed-file: \/mnt\/opt\/vouchsafe: /);
    assert.deepEqual([secondCheck.status, failuresOf(secondCheck)], [3, failures]);
    assert.equal(await whole.keysReleased(), before, 'no key was given out');
    const [golden, same] = [await whole.attestd('GET', `${images}/golden`), reported] as [
      { image: BaseImage },
      BaseImage,
    ];
    assert.deepEqual(same.pcrs, golden.image.pcrs, 'its boot is the golden one: without the files it would be trusted');
  });

  test('an update of the kernel: refused with what differs, staged, approved, and then trusted', async () => {
    const before = await whole.keysReleased();
    const releasedUntilTrusted: number[] = [];
    const { firstCheck, secondCheck } = await whole.day({
      host: 'kvm1',
      image: 'next-kernel',
      kernel: kernels.next,
      told: async (image) => {
        await trust(image, false);
        releasedUntilTrusted.push(await whole.keysReleased());
        await whole.attestd('POST', `${images}/next-kernel/activate`);
      },
    });
    assert.equal(firstCheck.status, 3);
    assert.deepEqual(failuresOf(firstCheck), ['image.match']);
    assert.match(firstCheck.text, kernelDiffers);
    assert.doesNotMatch(firstCheck.text, commandLineDiffers);
    assert.deepEqual(releasedUntilTrusted, [before]);
    assert.equal(secondCheck.status, 0, secondCheck.text);
  });

  test('a command line that nobody approved: refused on the next host, with what differs and nothing else', async () => {
    const before = await whole.keysReleased();
    let captured: unknown;
    const { firstCheck, secondCheck } = await whole.day({
      host: 'kvm2',
      image: 'next-command-line',
      kernel: kernels.next,
      appendCommandLine: newParameter,
      told: async (image) => {
        captured = image;
        await whole.approveWaiting('kvm2');
      },
    });
    assert.deepEqual([firstCheck.status, failuresOf(firstCheck)], [3, ['host.not-enrolled']]);
    assert.deepEqual([secondCheck.status, failuresOf(secondCheck)], [3, ['image.match']]);
    assert.match(secondCheck.text, commandLineDiffers);
    assert.equal(await whole.keysReleased(), before, 'no key was given out');
    await trust(captured, true);
  });

  test('after the approval every host with either update is trusted at once, without a false reject', async () => {
    const updates = [
      { host: 'kvm1', image: 'kvm1-command-line', appendCommandLine: newParameter },
      { host: 'kvm2', image: 'kvm2-kernel' },
    ];
    for (const update of updates) {
      const { firstCheck } = await whole.day({ ...update, kernel: kernels.next, told: async () => {} });
      assert.deepEqual([firstCheck.status, failuresOf(firstCheck)], [0, []], firstCheck.text);
    }
  });
});

/** Files of these hosts that differ between hosts or from day to day; the root disk is mounted at /mnt. */
const changing = ['/mnt/var/**', '/mnt/etc/vouchsafe/**', '/mnt/run-program', '/mnt/script'];

/** The program with another letter in a text of its help: it runs as before. */
function changedByte(program: Buffer): Buffer {
  const at = program.indexOf('Keys of encrypted VMs only for hosts');
  assert.ok(at > 0);
  program[at] = 'k'.charCodeAt(0);
  return program;
}

/** The wanted change of the command line. */
const newParameter = 'mitigations=auto';
const kernelDiffers = /fail image\.match: .*section \.linux/;
const commandLineDiffers = /fail image\.match: .*section \.cmdline/;
