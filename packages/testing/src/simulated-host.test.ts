import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hex } from '@vouchsafe/bytes/hex';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { Tpm } from '@vouchsafe/tpm2/tpm';
import { SocketTransport } from '@vouchsafe/tpm2/transport/socket';
import { TestingError } from './error.ts';
import { loadBoot, type RecordedBoot, recordedBoots } from './measured-boot/recorded-boot.ts';
import { extensionsOf, replayRecordedBoot } from './simulated-host.ts';
import { Swtpm } from './swtpm.ts';
import { TpmAuthority } from './tpm-authority.ts';
import { Workdir } from './workdir.ts';

describe('a simulated host', () => {
  let work: Workdir;
  let tpm: Swtpm;

  before(async () => {
    work = await Workdir.create('sim');
    const authority = await TpmAuthority.create(work.file('ca'));
    await authority.manufacture({ state: work.file('tpm'), name: 'host.example.test' });
    tpm = await Swtpm.start({ state: work.file('tpm') });
  });

  after(async () => {
    await tpm?.stop();
    await work?.[Symbol.asyncDispose]();
  });

  for (const name of recordedBoots) {
    test(`${name}: its logs bring a TPM into the state of the real machine, all 24 PCRs`, async () => {
      const boot = await loadBoot(name);
      await tpm.reboot();
      const extended = await replayRecordedBoot(boot, tpm.socket);
      assert.equal(extended, extensionsOf(boot).length);
      await using client = new Tpm(await SocketTransport.open({ path: tpm.socket }));
      const values = await pcrRead(client, 'sha256', [...Array(24).keys()]);
      assert.deepEqual(new Map([...values].map(([pcr, value]) => [pcr, hex(value)])), boot.pcrs);
    });
  }

  test('another kernel or another command line shows only in the PCRs of what is started', async () => {
    const [a, b, c] = await Promise.all(recordedBoots.map(loadBoot));
    assert.notEqual(a!.kernelRelease, b!.kernelRelease);
    assert.notEqual(a!.commandLine, c!.commandLine);
    // 4: programs, 9: command line and initial file system as the kernel saw them, 10: IMA, 11: parts of the image
    for (const other of [b!, c!]) assert.deepEqual(differing(a!, other), [4, 9, 10, 11]);
  });

  test('a log that does not lead to the recorded PCRs is refused by the numbers of the PCRs', async () => {
    const [a, b] = await Promise.all(['debian12-uki-a', 'debian12-uki-b'].map(loadBoot));
    await tpm.reboot();
    await assert.rejects(replayRecordedBoot({ ...a!, eventLog: b!.eventLog }, tpm.socket), (error: TestingError) => {
      assert.ok(error instanceof TestingError);
      assert.equal(error.code, 'bad-recording');
      assert.match(error.message, /PCR 4, /);
      return true;
    });
  });
});

const differing = (one: RecordedBoot, other: RecordedBoot): number[] =>
  [...one.pcrs].flatMap(([pcr, value]) => (other.pcrs.get(pcr) === value ? [] : [pcr]));
