import type { FindingCode, Finding as LogFinding } from '@vouchsafe/eventlog/finding';
import type { QuirkName } from '@vouchsafe/eventlog/quirks';
import { bootRules } from './boot-rules/table.ts';
import { type BootRules, ruleValue } from './boot-rules.ts';
import type { FindingId } from './findings.ts';
import { type Finding, fail, info, warn } from './verdict.ts';

type Telling = readonly [tell: typeof fail, id: FindingId] | { readonly quirk: QuirkName } | 'elsewhere';

/** How a verdict takes what the log shows. */
const tellings: Readonly<Record<Exclude<FindingCode, 'quirk'>, Telling>> = {
  // The digests are what a boot is judged by, but whoever reads the log would be told what was never measured.
  'data.mismatch': { quirk: 'data-mismatch' },
  'noAction.digest': { quirk: 'no-action-digest' },
  'noAction.specId': [fail, 'eventlog.spec-id'],
  // No fact is taken from these, so a rule that needs it is broken.
  'secureBoot.ambiguous': [warn, 'secure-boot.ambiguous'],
  'secureBoot.late': [warn, 'secure-boot.late'],
  'secureBoot.unexplained': [warn, 'secure-boot.unexplained'],
  'section.order': [warn, 'uki.sections'],
  // The check eventlog.boot refuses these where they matter.
  'separator.error': 'elsewhere',
  'separator.missing': { quirk: 'separator-missing' },
  'separator.repeated': { quirk: 'separator-repeated' },
};

/** The finding of a verdict that stands for one of the log; undefined when another check reports it. */
export function logFinding(finding: LogFinding, rules: BootRules): Finding | undefined {
  const { code, detail, pcr, event, quirk } = finding;
  const at = { ...(pcr === undefined ? {} : { pcr }), ...(event === undefined ? {} : { event }) };
  const telling: Telling = code === 'quirk' ? (quirk === undefined ? 'elsewhere' : { quirk }) : tellings[code];
  if (telling === 'elsewhere') return undefined;
  if ('quirk' in telling) return quirkFinding(telling.quirk, detail, at, rules);
  const [tell, id] = telling;
  return tell(id, detail, at);
}

/** A known peculiarity passes by its name only, and is told. */
export function quirkFinding(
  quirk: QuirkName,
  detail: string,
  at: { pcr?: number; event?: number },
  rules: BootRules,
): Finding {
  const accepted = ruleValue(rules, 'eventlog.quirks') as readonly string[];
  if (accepted.includes(quirk)) return info(`quirk.${quirk}`, detail, at);
  const id: FindingId = quirk === 'data-mismatch' ? 'eventlog.data-mismatch' : `quirk.${quirk}`;
  return fail(id, detail, { ...at, advice: bootRules['eventlog.quirks'].advice });
}
