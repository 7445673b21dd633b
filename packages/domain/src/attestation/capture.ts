import { isDeepStrictEqual } from 'node:util';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { fromHex, hex } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import type { CommandLine } from '@vouchsafe/eventlog/facts/command-line';
import { decodeLog, type EventLog } from '@vouchsafe/eventlog/log';
import { type ProvenFacts, provenFacts } from '@vouchsafe/eventlog/proven';
import { initialValue, replay, startupLocality } from '@vouchsafe/eventlog/replay';
import { userspaceWords } from '@vouchsafe/eventlog/userspace';
import { Problem } from '../problem.ts';
import { type BaseImage, type Coverage, coverageInWords } from './base-image.ts';
import { incompleteness } from './checks/boot-complete.ts';
import { measuresRoot } from './ima/measuring.ts';
import { imagePcrs } from './policy.ts';

/** What the golden host says of itself beside the log. */
export interface HostWords {
  /** What the kernel was started with (/proc/cmdline); kept when the log proves it. */
  readonly commandLine?: string;
  /** Release of the kernel (uname -r). */
  readonly kernel?: string;
  /** The agent's own program. */
  readonly agent?: { readonly path: string; readonly sha256: string };
}

export interface CaptureInput extends HostWords {
  readonly name: string;
  readonly version: string;
  /** IMA lists that hold for hosts of the image. */
  readonly imaLists?: readonly string[];
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
export function captureImage(input: CaptureInput): BaseImage {
  const { name, version, eventLog, pcrs, now, imaLists = [], ...words } = input;
  const ima = imaLists.length === 0 ? undefined : { lists: [...imaLists] };
  const said = whatLogSays(eventLog, words.commandLine, ima);
  for (const [pcr, value] of Object.entries(said.pcrs)) {
    const has = pcrs.get(Number(pcr)) ?? new Uint8Array();
    // The image fixes what the log leads to: what the running system measured behind it is left out of account.
    if (userspaceWords('sha256', Number(pcr), fromHex(value), has) === undefined)
      throw new Problem('input.invalid', `PCR ${pcr}: the log gives ${value}, the TPM has ${hex(has)}`);
  }
  const { commandLine: command_line, kernel, agent } = words;
  return {
    v: 1,
    name,
    version,
    created: now.toISOString(),
    bank: 'sha256',
    pcrs: said.pcrs,
    covers: said.covers,
    ...(command_line !== undefined && provesCommandLine(said.facts, command_line) && { command_line }),
    ...(kernel !== undefined && { kernel }),
    ...(agent !== undefined && { agent }),
    ...(ima !== undefined && { ima }),
    event_log: base64url(eventLog),
  };
}

/**
 * Checks that an image says of itself what its own log says, and that it could ever be matched and means something: an
 * image is a file that people pass on, and what it claims to cover decides which keys are released.
 * @throws {Problem} `input.invalid`, `input.malformed`
 */
export function verifyImage(image: BaseImage): void {
  for (const wrong of complaints(image, whatImageLogSays(image)))
    throw new Problem('input.invalid', `image ${image.name}: ${wrong}`);
}

/** What is wrong with an image, in order. */
function* complaints(image: BaseImage, said: LogWords): Generator<string> {
  const fixed = Object.keys(image.pcrs).map(Number);
  if (fixed.length === 0) yield 'pcrs: it fixes nothing, so every boot would match it';
  const loose = fixed.find((pcr) => pcr >= 16);
  if (loose !== undefined)
    yield `pcrs: PCR ${loose} can be reset by the running system, so it says nothing of the boot`;
  const wrong = imagePcrs.find((pcr) => image.pcrs[String(pcr)] !== said.pcrs[String(pcr)]);
  if (wrong !== undefined || fixed.length !== imagePcrs.length)
    yield `pcrs: expected PCR ${imagePcrs.join(', ')} as its log gives`;
  for (const { detail } of incompleteness(said.log, image.bank)) yield `event_log: ${detail}`;
  if (image.command_line !== undefined && !provesCommandLine(said.facts, image.command_line))
    yield 'command_line: its log does not prove it';
  if (image.kernel !== undefined && contradicts(said.facts, image.kernel))
    yield `kernel: its kernel image names another release than ${image.kernel}`;
  if (!isDeepStrictEqual(said.covers, image.covers))
    yield `covers: its log proves that it ${coverageInWords(said.covers)}`;
}

/** What a log gives: PCR values, facts, and what follows from them. */
interface LogWords {
  readonly log: EventLog;
  readonly pcrs: Record<string, string>;
  readonly facts: ProvenFacts;
  readonly covers: Coverage;
}

function whatImageLogSays({ name, event_log, command_line, ima }: BaseImage): LogWords {
  try {
    return whatLogSays(fromBase64url(event_log), command_line, ima);
  } catch (cause) {
    throw new Problem('input.malformed', `image ${name}: event_log: ${(cause as Error).message}`, { cause });
  }
}

function whatLogSays(eventLog: Uint8Array, commandLine: string | undefined, ima: BaseImage['ima']): LogWords {
  const log = decodeLog(eventLog);
  const replayed = replay(log, 'sha256');
  const locality = startupLocality(log);
  const value = (pcr: number) => hex(replayed.get(pcr) ?? initialValue('sha256', pcr, locality));
  const pcrs = Object.fromEntries(imagePcrs.map((pcr) => [String(pcr), value(pcr)]));
  const facts = provenFacts(log, 'sha256', { commandLines: commandLine === undefined ? [] : [commandLine] });
  return { log, pcrs, facts, covers: coverageOf(facts, ima) };
}

const provesCommandLine = ({ commandLines }: ProvenFacts, text: string): boolean =>
  commandLines.some(({ value }) => value.text === text && value.source !== 'loader');

/** Tools that build kernel images write `.uname` with a line end or without (UAPI Unified Kernel Image, `.uname`). */
const endings = ['', '\n', '\0'];

/** A kernel image that names its release must name this one. */
function contradicts({ ukiSections }: ProvenFacts, release: string): boolean {
  const measured = ukiSections.filter(({ value }) => value.name === '.uname').map(({ value }) => hex(value.digest));
  const own = endings.map((ending) => hex(digest('sha256', new Uint8Array(Buffer.from(release + ending)))));
  return measured.some((value) => !own.includes(value));
}

/**
 * What the measurements reach, by facts that the log proves.
 *
 * Labels of events are not measured, so they cover nothing by themselves. A kernel that its own EFI stub measured counts
 * when the command line is proven: then the load options are load options, and an initial file system that was measured
 * right behind them is one (drivers/firmware/efi/libstub/efi-stub-helper.c measures both, in this order).
 * @param ima the lists that the image names: IMA measures, but without a list nobody says what may be there
 */
export function coverageOf(facts: ProvenFacts, ima?: BaseImage['ima']): Coverage {
  const sections = new Set(facts.ukiSections.map(({ value }) => value.name));
  const lines = facts.commandLines.map(({ value }) => value);
  const grub = facts.loaderTexts.some(({ value }) => value.role === 'grubKernelCommandLine');
  const stub = lines.some(({ source, text }) => source === 'loadOptions' && text !== undefined);
  const initrd = sections.has('.initrd') || grub || (stub && initrdBehindLoadOptions(facts));
  const kernel = sections.has('.linux') || grub || stub;
  return {
    firmware: facts.separators.has(0),
    loader: facts.bootApplications.length > 0,
    // A loader with a command line of its own has measured the kernel that it started; a UKI measures its sections.
    kernel,
    cmdline: sections.has('.cmdline') || grub || stub || lines.some(({ source }) => source === 'loader'),
    initrd,
    userspace: userspaceOf(lines, initrd, kernel && ima !== undefined && ima.lists.length > 0),
  };
}

/**
 * Only the initial file system holds the root disk against a hash, and only of the kernel's own command line. IMA
 * begins with the kernel, and does not see what the initial file system holds: both must be covered themselves.
 */
function userspaceOf(lines: readonly CommandLine[], initrd: boolean, listed: boolean): Coverage['userspace'] {
  if (initrd && decides(lines, (text) => rootHash.test(text))) return 'verity';
  return initrd && listed && decides(lines, measuresRoot) ? 'ima' : 'none';
}

/** The load options are what the kernel got; without their text, all that could have become of it must agree. */
function decides(lines: readonly CommandLine[], says: (text: string) => boolean): boolean {
  const got = lines.filter(({ source, text }) => source === 'loadOptions' && text !== undefined);
  const deciding = got.length > 0 ? got : lines.filter(({ source }) => source !== 'loadOptions');
  return deciding.length > 0 && deciding.every(({ text }) => text !== undefined && says(text));
}

function initrdBehindLoadOptions({ objects, commandLines }: ProvenFacts): boolean {
  const options = commandLines.find(({ value }) => value.source === 'loadOptions' && value.text !== undefined);
  const behind = objects.filter(({ pcr, event }) => pcr === options?.pcr && event > options.event);
  return behind[0]?.value.role === 'linuxInitrd';
}

const rootHash = /(?:^|\s)(?:roothash|systemd\.verity_root_hash)=[0-9a-f]{64}(?:\s|\0|$)/;
