import type { Appraisal, Check } from '../appraisal.ts';
import { type BootRecord, bootRecordOf } from '../boot-record.ts';
import { type Finding, fail, info, warn } from '../verdict.ts';

/**
 * Stops a rolled-back or copied TPM: from quote to quote it is switched on more often or not at all, and within one boot
 * its clock only goes forward (TPM 2.0 Part 1, 36.3 to 36.7). All comparisons are of counters that can be compared: of
 * one AK, or of two that both show the counters as they are.
 */
export const clock: Check = {
  id: 'tpm.clock',
  run(appraisal) {
    const { challenge, lastBoot: last } = appraisal.input;
    const now = bootRecordOf(challenge.ak, appraisal.get('attest'), { bootId: bootIdOf(appraisal) });
    const findings = [...unsafe(now), ...notFull(now, appraisal)];
    if (last === undefined) return findings;
    const comparable = last.ak === now.ak || (last.plain && now.plain);
    return [...findings, ...otherAk(last, now), ...(comparable ? compared(last, now) : [])];
  },
};

const bootIdOf = (appraisal: Appraisal): string | undefined =>
  appraisal.has('claims') ? appraisal.get('claims').boot_id : undefined;

/** Part 1, 36.3.3: NO until the clock is beyond all that it may have told before a loss of power. */
const unsafe = ({ safe }: BootRecord): Finding[] =>
  safe ? [] : [info('tpm.clock-unsafe', 'the TPM lost power without shutdown: its clock may repeat up to 70 minutes')];

function notFull({ restartCount }: BootRecord, { input }: Appraisal): Finding[] {
  if (!input.policy?.settings.require_full_boot || restartCount === 0) return [];
  const detail = `the TPM was resumed or restarted ${restartCount} times since its last reset, and only full boots count`;
  return [fail('tpm.full-boot', detail)];
}

/**
 * A second AK beside one TPM is unusual, since the agent's comes back the same from its template. One that hides the
 * counters, after one that showed them, would hide that the TPM went back.
 */
function otherAk(last: BootRecord, now: BootRecord): Finding[] {
  if (last.ak === now.ak) return [];
  if (last.plain && now.plain) return [info('tpm.new-ak', 'another attestation key than before; its counters go on')];
  const tell = last.plain ? fail : warn;
  return [tell('tpm.new-ak', 'another attestation key than before, whose counters cannot be compared with the last')];
}

function compared(last: BootRecord, now: BootRecord): Finding[] {
  const { resetCount, restartCount } = now;
  if (resetCount < last.resetCount)
    return [fail('tpm.boot-identity', `resetCount went back from ${last.resetCount} to ${resetCount}`)];
  if (resetCount > last.resetCount) return sameKernel(last, now) ? [resetUnderKernel] : [];
  if (restartCount < last.restartCount) {
    const detail = `restartCount went back from ${last.restartCount} to ${restartCount} without a reset`;
    return [fail('tpm.boot-identity', detail)];
  }
  if (restartCount > last.restartCount)
    return [info('tpm.resumed', `the TPM was resumed or restarted ${restartCount - last.restartCount} times since`)];
  return withinBoot(last, now);
}

/** In one boot the clock never goes back; only where power may have been lost in both cases nothing is claimed. */
function withinBoot(last: BootRecord, now: BootRecord): Finding[] {
  if (BigInt(now.clock) < BigInt(last.clock) && (last.safe || now.safe))
    return [fail('tpm.clock', `the clock went back from ${last.clock} to ${now.clock} ms within one boot`)];
  return differentKernel(last, now) ? [kernelWithoutReset] : [];
}

const sameKernel = (last: BootRecord, now: BootRecord) => last.bootId !== undefined && last.bootId === now.bootId;
const differentKernel = (last: BootRecord, now: BootRecord) =>
  last.bootId !== undefined && now.bootId !== undefined && last.bootId !== now.bootId;

const resetUnderKernel = warn(
  'tpm.reset-under-kernel',
  'the TPM was reset, and by its own word the kernel runs on: the boot may have been replayed into an empty TPM',
);
const kernelWithoutReset = warn(
  'tpm.kernel-without-reset',
  'the kernel was started anew and the TPM was not: kexec, or an old state of a virtual TPM',
);
