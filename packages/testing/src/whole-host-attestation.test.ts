import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
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

  test('a host is refused until its boot and its TPM are trusted, then gets a key', async () => {
    const { imaLog, firstCheck, secondCheck } = await whole.day({
      host: 'kvm1',
      image: 'golden',
      kernel: kernels.old,
      told: async (image) => {
        await trust(image, true);
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

/** The wanted change of the command line. */
const newParameter = 'mitigations=auto';
const kernelDiffers = /fail image\.match: .*section \.linux/;
const commandLineDiffers = /fail image\.match: .*section \.cmdline/;
