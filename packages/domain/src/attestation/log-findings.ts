import type { FindingCode, Finding as LogFinding } from '@vouchsafe/eventlog/finding';
import type { FindingId } from './findings.ts';
import { type Finding, fail, info, warn } from './verdict.ts';

type Telling = readonly [tell: typeof fail, id: FindingId];

/** How a verdict takes what the log shows. */
const tellings: Readonly<Record<FindingCode, Telling | 'elsewhere'>> = {
  // The digests are what a boot is judged by, but whoever reads the log would be told what was never measured.
  'data.mismatch': [fail, 'eventlog.data-mismatch'],
  'noAction.digest': [info, 'quirk.no-action-digest'],
  'noAction.specId': [fail, 'eventlog.spec-id'],
  quirk: 'elsewhere',
  // No fact is taken from these, so a rule that needs it is broken.
  'secureBoot.ambiguous': [warn, 'secure-boot.ambiguous'],
  'secureBoot.late': [warn, 'secure-boot.late'],
  'secureBoot.unexplained': [warn, 'secure-boot.unexplained'],
  'section.order': [warn, 'uki.sections'],
  // The check eventlog.boot refuses these where they matter.
  'separator.error': 'elsewhere',
  'separator.missing': [warn, 'eventlog.separator-missing'],
  'separator.repeated': [info, 'quirk.separator-repeated'],
};

/** The finding of a verdict that stands for one of the log; undefined when another check reports it. */
export function logFinding({ code, detail, pcr, event, quirk }: LogFinding): Finding | undefined {
  const at = { ...(pcr === undefined ? {} : { pcr }), ...(event === undefined ? {} : { event }) };
  if (code === 'quirk' && quirk !== undefined) return info(`quirk.${quirk}`, detail, at);
  const telling = tellings[code];
  if (telling === 'elsewhere') return undefined;
  const [tell, id] = telling;
  return tell(id, detail, at);
}
