import { equalBytes } from '@vouchsafe/bytes/equal';
import { hex } from '@vouchsafe/bytes/hex';
import { digest } from '@vouchsafe/eventlog/algorithms';
import type { Fact } from '@vouchsafe/eventlog/facts/fact';
import { isSbatLevel } from '@vouchsafe/eventlog/facts/sbat';
import type { EventLog } from '@vouchsafe/eventlog/log';
import type { ProvenFacts } from '@vouchsafe/eventlog/proven';
import { isExtended, startupLocality } from '@vouchsafe/eventlog/replay';
import { asciiText } from '@vouchsafe/eventlog/text';
import type { Signature } from '@vouchsafe/eventlog/uefi/signature-list';
import type { BaseImage } from './base-image.ts';
import { type BootRules, ruleValue } from './boot-rules.ts';
import { type ImageFacts, imageFacts } from './image-facts.ts';
import { imagePcrs } from './policy.ts';
import { type Finding, info } from './verdict.ts';

/** A boot as the checks before have proven it. */
export interface ProvenBoot {
  /** Quoted values, by PCR. */
  readonly pcrs: ReadonlyMap<number, Uint8Array>;
  /** Replays to them; when it is absent, only equal values fit. */
  readonly log?: EventLog | undefined;
  readonly facts?: ProvenFacts | undefined;
  readonly rules: BootRules;
}

/** How an image fits a boot. */
export interface ImageFit {
  /** The PCRs in which the boot is not that of the image. */
  readonly differing: readonly number[];
  /** What was left out of account where values differ and the boot fits all the same. */
  readonly ignored: readonly Finding[];
}

/**
 * How an image fits a boot, PCR by PCR. Where the values differ, the events of both logs are compared without those that
 * change from boot to boot; nothing but what is proven to be such an event is left out.
 * @param source image whose log leads to these PCRs, when it is another one (the firmware part of a composition)
 * @param of the PCRs to look at. An image that leaves one of them open fits nothing
 */
export function imageFit(
  image: BaseImage,
  boot: ProvenBoot,
  of: readonly number[] = imagePcrs,
  source: (pcr: number) => BaseImage = () => image,
): ImageFit {
  const ignored: Finding[] = [];
  const differing = of.filter((pcr) => {
    const [golden, value] = [image.pcrs[String(pcr)], boot.pcrs.get(pcr)];
    if (golden === undefined || value === undefined) return true;
    if (golden === hex(value)) return false;
    const why = fitsWithout(pcr, imageFacts(source(pcr)), boot);
    if (why === undefined) return true;
    ignored.push(
      info('image.normalised', `PCR ${pcr} differs from base image ${image.name}: ${why}`, { pcr, image: image.name }),
    );
    return false;
  });
  return { differing, ignored };
}

/** What has to be left out of account for a PCR to be that of the image; undefined when it is another one anyhow. */
function fitsWithout(pcr: number, golden: ImageFacts, { log, facts, rules }: ProvenBoot): string | undefined {
  if (log === undefined || facts === undefined || !golden.leadsTo(pcr)) return undefined;
  // PCR 0 begins with the locality of the start, which is no event: equal events do not make it equal.
  if (pcr === 0 && startupLocality(golden.log) !== startupLocality(log)) return undefined;
  const left = leftOut(pcr, rules);
  const [wanted, found] = [stable(golden.log, golden.facts, pcr, left), stable(log, facts, pcr, left)];
  if (wanted.digests === found.digests) {
    const words = [...new Set([...wanted.texts, ...found.texts])];
    return words.length === 0
      ? 'only by what the running system measured behind the log'
      : `ignored: ${words.join(', ')}`;
  }
  return pcr === 7 && ruleValue(rules, 'secure-boot.match') === 'keys' ? sameKeys(golden.facts, facts) : undefined;
}

/** Texts of the firmware around an attempt to boot (Firmware Profile 1.06, 10.4.4). */
const attempts = ['Calling EFI Application from Boot Option', 'Returning from EFI Application from Boot Option'];

const leftOut = (pcr: number, rules: BootRules): readonly string[] =>
  pcr === 4 && ruleValue(rules, 'boot.attempts-ignored') === true ? attempts : [];

/** The events of a PCR without those that are left out. */
interface Stable {
  readonly digests: string;
  /** The texts that were left out. */
  readonly texts: readonly string[];
}

/** One image is compared with every host, and one host with every image. */
const known = new WeakMap<ProvenFacts, Map<string, Stable>>();

/** The digests of a PCR without the events that are proven to be one of the texts. */
function stable(log: EventLog, facts: ProvenFacts, pcr: number, texts: readonly string[]): Stable {
  const ofFacts = known.get(facts) ?? new Map<string, Stable>();
  known.set(facts, ofFacts);
  const key = `${pcr} ${texts.length}`;
  const found = ofFacts.get(key) ?? readStable(log, facts, pcr, texts);
  ofFacts.set(key, found);
  return found;
}

function readStable(log: EventLog, { proofs, bank }: ProvenFacts, pcr: number, texts: readonly string[]): Stable {
  const digests: string[] = [];
  const left: string[] = [];
  for (const event of log.events) {
    if (event.pcr !== pcr || !isExtended(event)) continue;
    const proof = proofs[event.index];
    const text = proof?.state === 'data' && proof.rule === 'data' ? asciiText(proof.measured) : undefined;
    if (text !== undefined && texts.includes(text)) left.push(text);
    else digests.push(hex(event.digests[bank] ?? new Uint8Array()));
  }
  return { digests: digests.join(), texts: left };
}

/** Findings of a log after which nothing is known about a part of PCR 7. */
const unclear = ['secureBoot.ambiguous', 'secureBoot.late', 'secureBoot.unexplained'];

/**
 * Secure Boot in the same state, with the same keys, by which the same things were verified; dbx may have grown, and the
 * level of shim may have risen.
 */
function sameKeys(golden: ProvenFacts, facts: ProvenFacts): string | undefined {
  const unknown = [golden, facts].some(({ findings }) => findings.some(({ code }) => unclear.includes(code)));
  if (unknown || golden.secureBoot?.value !== true || keysOf(golden) !== keysOf(facts)) return undefined;
  const [before, now] = [golden, facts].map(({ databases }) => databases.dbx?.value.signatures?.map(identityOf));
  if (before === undefined || now === undefined) return undefined;
  const has = new Set(now);
  if (!before.every((entry) => has.has(entry)) || !sbatNotLower(golden, facts)) return undefined;
  const more = now.filter((entry) => !before.includes(entry)).length;
  return `the same keys; dbx holds ${more} entries more${sbatText(golden, facts)}`;
}

/** All of an entry, however long: texts for people are cut. */
const identityOf = ({ type, owner, data }: Signature): string => `${type} ${owner} ${hex(digest('sha256', data))}`;

/** Everything of PCR 7 that must be alike, as text. */
function keysOf(facts: ProvenFacts): string {
  const { secureBoot, setupMode, auditMode, deployedMode, databases, authorities, actions, separators } = facts;
  const flags = [secureBoot, setupMode, auditMode, deployedMode].map((flag) => flag?.value);
  const keys = (['PK', 'KEK', 'db', 'dbt', 'dbr'] as const).map((name) =>
    hex(databases[name]?.value.digest ?? new Uint8Array()),
  );
  const used = authorities
    .filter(({ value }) => !isSbatLevel(value))
    .map(({ value }) => [value.guid, value.variable, value.owner, hex(value.data)]);
  const texts = (list: readonly Fact<string>[]) => list.map(({ value }) => value);
  return JSON.stringify([flags, keys, used, texts(actions), separators.get(7)?.value]);
}

function sbatNotLower(golden: ProvenFacts, facts: ProvenFacts): boolean {
  const [before, now] = [golden, facts].map(({ authorities }) => authorities.filter(({ value }) => isSbatLevel(value)));
  if (before?.length !== now?.length) return false;
  if (golden.sbatLevel === undefined || facts.sbatLevel === undefined) {
    // A level that cannot be read is the same only when its octets are.
    return before?.every(({ value }, i) => equalBytes(value.data, now?.[i]?.value.data ?? new Uint8Array())) ?? false;
  }
  const { date, generations } = facts.sbatLevel.value;
  const least = [...golden.sbatLevel.value.generations];
  return (
    date >= golden.sbatLevel.value.date &&
    least.every(([name, generation]) => (generations.get(name) ?? 0) >= generation)
  );
}

const sbatText = (golden: ProvenFacts, { sbatLevel }: ProvenFacts): string =>
  sbatLevel === undefined || sbatLevel.value.date === golden.sbatLevel?.value.date
    ? ''
    : `, the SBAT level is of ${sbatLevel.value.date}`;
