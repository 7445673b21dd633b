import type { Bank } from './algorithms.ts';
import { contentOf } from './content.ts';
import type { LogEvent } from './event.ts';
import { actionText, type BootImage, bootImages, type ExitBootServices, exitBootServices } from './facts/boot.ts';
import { type CommandLine, commandLines } from './facts/command-line.ts';
import { type Fact, fact, type Measured, type Phase } from './facts/fact.ts';
import { type BootOption, bootOptions, firmwareVersions, type TpmStartup, tpmStartup } from './facts/firmware.ts';
import {
  type LoaderText,
  loaderTexts,
  type MeasuredObject,
  measuredObjects,
  textPcrs,
  type UkiSection,
  ukiSections,
} from './facts/loader.ts';
import { mokListTrusted, type SbatLevel, sbatLevel } from './facts/sbat.ts';
import { type SecureBootFacts, secureBootFacts } from './facts/secure-boot.ts';
import type { Finding } from './finding.ts';
import type { EventLog } from './log.ts';
import { noActionSignature } from './no-action.ts';
import { type Proof, proofOf } from './proof.ts';
import { type QuirkName, quirks } from './quirks.ts';
import { isExtended, isPaddedLocality, requireReplayable } from './replay.ts';
import { type SeparatorState, separatorOf } from './separator.ts';

/** What a log proves in one bank, once its replay equals quoted PCRs. Facts only, no judgement. */
export interface ProvenFacts extends SecureBootFacts {
  readonly bank: Bank;
  /** By event index: what the digest of each event proves. */
  readonly proofs: readonly Proof[];
  /** First separator of each of PCR 0 to 7. */
  readonly separators: ReadonlyMap<number, Fact<SeparatorState>>;
  /** Undefined when no quote vouches for PCR 0. */
  readonly startup: TpmStartup | undefined;
  readonly firmwareVersions: readonly Fact<string>[];
  readonly bootOptions: readonly Fact<BootOption>[];
  /** Texts of PCR 4, such as those of boot attempts. */
  readonly bootActions: readonly Fact<string>[];
  /** Applications that the firmware started (PCR 4): boot loaders, kernels with a stub. */
  readonly bootApplications: readonly Fact<BootImage>[];
  /** Drivers (PCR 2). */
  readonly bootDrivers: readonly Fact<BootImage>[];
  readonly exitBootServices: Fact<ExitBootServices> | undefined;
  readonly ukiSections: readonly Fact<UkiSection>[];
  readonly loaderTexts: readonly Fact<LoaderText>[];
  readonly objects: readonly Fact<MeasuredObject>[];
  /** Every measured command line, those of which only the digest is proven included. */
  readonly commandLines: readonly Fact<CommandLine>[];
  /** Undefined when shim measured none, or shim did not run. */
  readonly sbatLevel: Fact<SbatLevel> | undefined;
  readonly mokListTrusted: Fact<boolean> | undefined;
  readonly findings: readonly Finding[];
}

const firmwarePcrs = [0, 1, 2, 3, 4, 5, 6, 7];

/** What is known beside the log. */
export interface ProofInput {
  /** The PCRs that a quote vouches for: events of others prove nothing. All of them when absent. */
  readonly pcrs?: ReadonlySet<number>;
  /** What the kernel is said to have been started with: proves a command line whose digest alone was logged. */
  readonly commandLines?: readonly string[];
}

/**
 * Takes the facts out of a log.
 * @throws {EventLogError} when the log cannot be replayed in this bank: then it proves nothing
 */
export function provenFacts(log: EventLog, bank: Bank, beside: ProofInput = {}): ProvenFacts {
  requireReplayable(log, bank);
  const { pcrs, commandLines: candidates = [] } = beside;
  const findings: Finding[] = [];
  const vouched = (event: LogEvent) => pcrs === undefined || pcrs.has(event.pcr);
  const proofs = log.events.map((event): Proof => (vouched(event) ? proofOf(event, bank) : { state: 'none' }));
  const separators = new Map<number, Fact<SeparatorState>>();
  const measured = measuredEvents(log, bank, proofs, separators, findings);
  const inPcr = (pcr: number) => measured.filter(({ event }) => event.pcr === pcr);
  const secureBoot = secureBootFacts(inPcr(7), isNormal(separators.get(7)), findings);
  const sections = ukiSections(inPcr(11), findings);
  const texts = loaderTexts(measured.filter(({ event }) => textPcrs.includes(event.pcr)));
  const objects = measuredObjects(measured.filter(({ event }) => event.pcr > 7 && event.pcr !== 11));
  const sources = { bank, loaderTexts: texts, ukiSections: sections, objects };
  const facts = {
    bank,
    proofs,
    startup: pcrs === undefined || pcrs.has(0) ? tpmStartup(log) : undefined,
    firmwareVersions: firmwareVersions(inPcr(0)),
    bootOptions: bootOptions(inPcr(1), variableName),
    bootActions: inPcr(4).flatMap((each) => {
      const text = actionText(each);
      return text === undefined ? [] : [fact(each, text)];
    }),
    separators,
    ...secureBoot,
    bootApplications: bootImages(inPcr(4)),
    bootDrivers: bootImages(inPcr(2)),
    exitBootServices: exitBootServices(inPcr(5)),
    ukiSections: sections,
    loaderTexts: texts,
    objects,
    commandLines: commandLines(sources, candidates),
    sbatLevel: sbatLevel(secureBoot.authorities),
    mokListTrusted: mokListTrusted(secureBoot.authorities),
  };
  const quirkNames = quirksOf(log, proofs, facts.exitBootServices !== undefined);
  return { ...facts, findings: [...findings, ...dataFindings(log, proofs), ...noActionFindings(log), ...quirkNames] };
}

function variableName({ event }: Measured): string {
  const content = contentOf(event);
  return content.kind === 'variable' ? content.name : '';
}

const isNormal = (separator: Fact<SeparatorState> | undefined): boolean =>
  separator !== undefined && separator.value !== 'error';

/** The extended events except separators, each with its phase; fills `separators` on the way. */
function measuredEvents(
  log: EventLog,
  bank: Bank,
  proofs: readonly Proof[],
  separators: Map<number, Fact<SeparatorState>>,
  findings: Finding[],
): Measured[] {
  const measured: Measured[] = [];
  for (const event of log.events) {
    if (!isExtended(event) || proofs[event.index]!.state === 'none') continue;
    const phase: Phase = event.pcr > 7 || separators.has(event.pcr) ? 'loader' : 'firmware';
    const each = { event, phase, proof: proofs[event.index]!, digest: event.digests[bank]! };
    const separator = separatorOf(event, bank);
    if (separator === undefined) measured.push(each);
    else {
      findings.push(...separatorFindings(event, separator, separators.has(event.pcr)));
      if (!separators.has(event.pcr)) separators.set(event.pcr, fact(each, separator));
    }
  }
  for (const pcr of firmwarePcrs) {
    if (!separators.has(pcr)) findings.push({ code: 'separator.missing', detail: `PCR ${pcr} has no separator`, pcr });
  }
  return measured;
}

function separatorFindings({ index: event, pcr }: LogEvent, state: SeparatorState, repeated: boolean): Finding[] {
  const findings: Finding[] = [];
  if (state === 'error') {
    findings.push({ code: 'separator.error', detail: `the firmware reported an error in PCR ${pcr}`, event, pcr });
  }
  if (repeated) findings.push({ code: 'separator.repeated', detail: `a further separator in PCR ${pcr}`, event, pcr });
  return findings;
}

const dataFindings = (log: EventLog, proofs: readonly Proof[]): Finding[] =>
  log.events
    .filter(({ index }) => proofs[index]!.state === 'mismatch')
    .map(({ index: event, pcr, typeName }) => ({
      code: 'data.mismatch',
      detail: `the data of an ${typeName} event are not what was measured`,
      event,
      pcr,
    }));

function noActionFindings(log: EventLog): Finding[] {
  const findings: Finding[] = [];
  for (const event of log.events) {
    if (isExtended(event)) continue;
    const at = { event: event.index, pcr: event.pcr };
    if (Object.values(event.digests).some((value) => value.some((byte) => byte !== 0))) {
      findings.push({
        code: 'noAction.digest',
        detail: quirks['no-action-digest'].text,
        quirk: 'no-action-digest',
        ...at,
      });
    }
    if (event.index > 0 && noActionSignature(event.data) === 'Spec ID Event03') {
      findings.push({ code: 'noAction.specId', detail: 'a Spec ID event that is not the first event', ...at });
    }
  }
  return findings;
}

/** One finding for each known peculiarity that the log shows, with the first event that shows it. */
function quirksOf(log: EventLog, proofs: readonly Proof[], exits: boolean): Finding[] {
  const seen = new Map<QuirkName, number | undefined>();
  if (log.padding) seen.set('log-fill', undefined);
  if (!exits) seen.set('exit-boot-services-missing', undefined);
  const padded = log.events.find(isPaddedLocality);
  if (padded) seen.set('startup-locality-padded', padded.index);
  for (const [index, proof] of proofs.entries()) {
    if (proof.state === 'data' && proof.quirk && !seen.has(proof.quirk)) seen.set(proof.quirk, index);
  }
  return [...seen].map(([quirk, event]) => ({
    code: 'quirk',
    detail: quirks[quirk].text,
    quirk,
    ...(event === undefined ? {} : { event }),
  }));
}
