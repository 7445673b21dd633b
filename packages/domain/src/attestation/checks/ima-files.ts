import { hex } from '@vouchsafe/bytes/hex';
import type { Appraisal, Check } from '../appraisal.ts';
import { isBootAggregate } from '../ima/boot-aggregate.ts';
import { type ImaRules, judgeEntries, nothingJudged, rulesFor } from '../ima/judge.ts';
import type { EntryFault, ImaFault, Judged } from '../ima/judged.ts';
import { type ImaProgress, imaPcr } from '../ima/progress.ts';
import { type Finding, fail, info, warn } from '../verdict.ts';

/** Stops software that was changed on the root disk: every file that IMA measured must be one that the image allows. */
export const imaFiles: Check = {
  id: 'ima.files',
  run(appraisal) {
    if (!appraisal.has('image')) return [];
    const image = appraisal.get('image');
    if (image.ima === undefined && image.agent === undefined) {
      if (appraisal.has('ima')) appraisal.prove('imaProgress', progressOf(appraisal, undefined));
      return [];
    }
    if (!appraisal.has('ima')) return [fail('ima.files', 'no file was looked at, since the IMA log is not proven')];
    const { policy } = appraisal.input;
    const rules = rulesFor(policy.ima, image);
    const missing = (image.ima?.lists ?? []).filter((name) => !policy.ima.lists.has(name));
    if (missing.length > 0) return missing.map((name) => listMissing(image.name, name));
    if (image.ima !== undefined && measuredNothing(appraisal)) return [nothingMeasured];
    const before = judgedBefore(appraisal, rules);
    if ('check' in before) return [before];
    const judged = judgeEntries(rules, before, newEntries(appraisal));
    appraisal.prove('imaProgress', progressOf(appraisal, judged));
    return image.ima === undefined ? [] : [...findingsOf(judged), summary(judged)];
  },
};

/** A kernel that measures begins with boot_aggregate; where nothing was measured, no list was ever asked. */
function measuredNothing(appraisal: Appraisal): boolean {
  const { entries, covered, proven } = appraisal.get('ima');
  return entries === covered && proven.length === 0;
}

const nothingMeasured = fail(
  'ima.files',
  'IMA measured no file of this boot, although the image covers userspace by IMA: the TPM was reset, or the kernel did not find it in time',
  { pcr: imaPcr },
);

const listMissing = (image: string, list: string) =>
  fail('ima.list-missing', `base image ${image} names the IMA list ${list}, which is not here`, {
    image,
    advice: `vouchsafe ima list import FILE --name ${list}`,
  });

/** What earlier rounds found, as long as the same rules hold. */
function judgedBefore(appraisal: Appraisal, rules: ImaRules): Judged | Finding {
  const { entries, covered } = appraisal.get('ima');
  if (entries === covered) return nothingJudged(rules);
  const judged = appraisal.input.imaProgress?.judged;
  if (judged?.by === rules.digest) return judged;
  return fail('ima.send-log', 'the rules for IMA changed since this host sent the beginning of its log', {
    pcr: imaPcr,
  });
}

/** Without the first of all, which `ima.boot-aggregate` has looked at. */
function newEntries(appraisal: Appraisal) {
  const { entries, covered, proven } = appraisal.get('ima');
  return entries === covered && isBootAggregate(proven[0]) ? proven.slice(1) : proven;
}

function progressOf(appraisal: Appraisal, judged: Judged | undefined): ImaProgress {
  const { rule, value, entries } = appraisal.get('ima');
  const { bank } = appraisal.input.challenge;
  return { v: 1, bank, rule, value: hex(value), entries, ...(judged === undefined ? {} : { judged }) };
}

const summary = ({ listed, signed, excluded }: Judged) =>
  info('ima.files', `IMA measured ${listed} listed, ${signed} signed and ${excluded} excluded files`);

/** What is said behind a name. */
const words: Readonly<Record<EntryFault, string>> = {
  'ima.unknown-file': 'executed, or read by root, and in no list of the image',
  'ima.changed-file': 'its content is not one that the lists allow',
  'ima.weak-digest': 'measured with a hash for which anybody finds a second file',
  'ima.violation': 'written while it was in use, so that its measurement means nothing',
  'ima.kexec': 'another kernel was loaded with kexec',
  'ima.buffer': 'measured by the kernel, and in no list of the image',
  'ima.unreadable': 'no digest and name where templates have them',
};

/** Findings for the names that are kept, and one for all the others. */
const findingsOf = ({ faults }: Judged): Finding[] =>
  Object.entries(faults).flatMap(([id, fault]) => faultFindings(id as EntryFault, fault));

function faultFindings(id: EntryFault, { count, severity, first }: ImaFault): Finding[] {
  const make = severity === 'fail' ? fail : warn;
  const named = first.map((name) => make(id, `${name}: ${words[id]}`, { pcr: imaPcr }));
  const others = count - first.length;
  return others === 0 ? named : [...named, make(id, `and ${others} more of this kind`, { pcr: imaPcr })];
}
