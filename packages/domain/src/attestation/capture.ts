import { base64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { type ProvenFacts, provenFacts } from '@vouchsafe/eventlog/proven';
import { initialValue, replay, startupLocality } from '@vouchsafe/eventlog/replay';
import { Problem } from '../problem.ts';
import type { BaseImage, Coverage } from './base-image.ts';
import { imagePcrs } from './policy.ts';

export interface CaptureInput {
  readonly name: string;
  readonly version: string;
  readonly eventLog: Uint8Array;
  /** Values that the TPM has, by PCR. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  readonly now: Date;
}

/**
 * Makes a base image of a host's boot.
 * @throws {DecodeError}, {EventLogError} when the log is malformed
 * @throws {Problem} `input.invalid` when the log is not that of the TPM's values
 */
export function captureImage({ name, version, eventLog, pcrs, now }: CaptureInput): BaseImage {
  const log = decodeLog(eventLog);
  const bank = 'sha256';
  const replayed = replay(log, bank);
  const locality = startupLocality(log);
  const golden: Record<string, string> = {};
  for (const pcr of imagePcrs) {
    const value = hex(pcrs.get(pcr) ?? new Uint8Array());
    const expected = hex(replayed.get(pcr) ?? initialValue(bank, pcr, locality));
    if (value !== expected)
      throw new Problem('input.invalid', `PCR ${pcr}: the log gives ${expected}, the TPM has ${value}`);
    golden[String(pcr)] = value;
  }
  const covers = coverageOf(provenFacts(log, bank));
  return {
    v: 1,
    name,
    version,
    created: now.toISOString(),
    bank,
    pcrs: golden,
    covers,
    event_log: base64url(eventLog),
  };
}

/** What the measurements reach, by facts that the log proves. */
export function coverageOf(facts: ProvenFacts): Coverage {
  const sections = new Set(facts.ukiSections.map(({ value }) => value.name));
  const roles = new Set(facts.objects.map(({ value }) => value.role));
  const texts = facts.loaderTexts.map(({ value }) => value);
  const grub = texts.some(({ role }) => role === 'grubKernelCommandLine');
  return {
    firmware: facts.separators.has(0),
    loader: facts.bootApplications.length > 0,
    // A loader with a command line of its own has measured the kernel that it started; a UKI measures its sections.
    kernel: sections.has('.linux') || grub || roles.has('linuxLoadOptions'),
    cmdline:
      sections.has('.cmdline') ||
      grub ||
      roles.has('linuxLoadOptions') ||
      texts.some(({ role }) => role === 'commandLine'),
    initrd: sections.has('.initrd') || roles.has('linuxInitrd') || grub,
    userspace: texts.some(({ text }) => /(?:^|\s)(?:roothash|systemd\.verity_root_hash)=[0-9a-f]{64}/.test(text))
      ? 'verity'
      : 'none',
  };
}
