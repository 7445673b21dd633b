import { isDeepStrictEqual } from 'node:util';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import type { LoaderText } from '@vouchsafe/eventlog/facts/loader';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { type ProvenFacts, provenFacts } from '@vouchsafe/eventlog/proven';
import { initialValue, replay, startupLocality } from '@vouchsafe/eventlog/replay';
import { Problem } from '../problem.ts';
import { type BaseImage, type Coverage, coverageInWords } from './base-image.ts';
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
  const bank = 'sha256';
  const { expected, covers } = whatLogSays(eventLog);
  for (const [pcr, value] of Object.entries(expected)) {
    const has = hex(pcrs.get(Number(pcr)) ?? new Uint8Array());
    if (has !== value) throw new Problem('input.invalid', `PCR ${pcr}: the log gives ${value}, the TPM has ${has}`);
  }
  const created = now.toISOString();
  return { v: 1, name, version, created, bank, pcrs: expected, covers, event_log: base64url(eventLog) };
}

/**
 * Checks that an image says of itself what its own log says: an image is a file that people pass on, and what it claims
 * to cover decides which keys are released.
 * @throws {Problem} `input.invalid`, `input.malformed`
 */
export function verifyImage(image: BaseImage): void {
  const { expected, covers } = whatImageLogSays(image);
  const wrong = imagePcrs.find((pcr) => image.pcrs[String(pcr)] !== expected[String(pcr)]);
  if (wrong !== undefined || Object.keys(image.pcrs).length !== imagePcrs.length)
    throw new Problem(
      'input.invalid',
      `image ${image.name}: pcrs: expected PCR ${imagePcrs.join(', ')} as its log gives`,
    );
  if (!isDeepStrictEqual(covers, image.covers))
    throw new Problem(
      'input.invalid',
      `image ${image.name}: covers: its log proves that it ${coverageInWords(covers)}`,
    );
}

function whatImageLogSays({ name, event_log }: BaseImage) {
  try {
    return whatLogSays(fromBase64url(event_log));
  } catch (cause) {
    throw new Problem('input.malformed', `image ${name}: event_log: ${(cause as Error).message}`, { cause });
  }
}

/** The PCRs that a log leads to, and what it covers. */
function whatLogSays(eventLog: Uint8Array): { expected: Record<string, string>; covers: Coverage } {
  const log = decodeLog(eventLog);
  const replayed = replay(log, 'sha256');
  const locality = startupLocality(log);
  const value = (pcr: number) => hex(replayed.get(pcr) ?? initialValue('sha256', pcr, locality));
  const expected = Object.fromEntries(imagePcrs.map((pcr) => [String(pcr), value(pcr)]));
  return { expected, covers: coverageOf(provenFacts(log, 'sha256')) };
}

/** What the measurements reach, by facts that the log proves. */
export function coverageOf(facts: ProvenFacts): Coverage {
  const sections = new Set(facts.ukiSections.map(({ value }) => value.name));
  const roles = new Set(facts.objects.map(({ value }) => value.role));
  const texts = facts.loaderTexts.map(({ value }) => value);
  const grub = texts.some(({ role }) => role === 'grubKernelCommandLine');
  const initrd = sections.has('.initrd') || roles.has('linuxInitrd') || grub;
  // Only the initial file system holds the root disk against a hash, and only of the kernel's own command line.
  const verity = initrd && texts.some(({ role, text }) => commandLines.includes(role) && rootHash.test(text));
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
    initrd,
    userspace: verity ? 'verity' : 'none',
  };
}

/** A loader measures other texts too, which nothing acts upon: an `echo` of GRUB may say anything. */
const commandLines: readonly LoaderText['role'][] = ['commandLine', 'grubKernelCommandLine'];
const rootHash = /(?:^|\s)(?:roothash|systemd\.verity_root_hash)=[0-9a-f]{64}(?:\s|\0|$)/;
