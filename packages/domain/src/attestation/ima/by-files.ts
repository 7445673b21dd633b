import type { Appraisal } from '../appraisal.ts';
import type { BaseImage } from '../base-image.ts';
import { isBootAggregate } from './boot-aggregate.ts';
import { judgeEntries, nothingJudged, rulesFor } from './judge.ts';

/**
 * Of several images that a boot fits, the first whose lists allow what IMA measured: after an update of files the
 * kernel is the same, so the image of before and the one of after fit alike. Images that cover more come first; when the
 * files are right for none, the first of them says what is wrong.
 */
export function chooseByFiles<T extends { readonly image: BaseImage }>(
  candidates: readonly T[],
  appraisal: Appraisal,
): T | undefined {
  if (candidates.length < 2) return candidates[0];
  // By reference only the end of the log is there: the image stands that all of it was found right for.
  if (appraisal.has('held')) {
    const { image: name } = appraisal.get('held');
    return candidates.find(({ image }) => image.name === name) ?? candidates[0];
  }
  const covered = candidates.toSorted((a, b) => Number(covers(b.image)) - Number(covers(a.image)));
  return covered.find(({ image }) => hasRightFiles(image, appraisal)) ?? covered[0];
}

const covers = ({ covers: { userspace } }: BaseImage): boolean => userspace !== 'none';

function hasRightFiles(image: BaseImage, appraisal: Appraisal): boolean {
  if (image.ima === undefined && image.agent === undefined) return true;
  if (!appraisal.has('ima')) return false;
  const { policy } = appraisal.input;
  if (image.ima?.lists.some((name) => !policy.ima.lists.has(name))) return false;
  const { proven } = appraisal.get('ima');
  if (image.ima !== undefined && !isBootAggregate(proven[0])) return false;
  const rules = rulesFor(policy.ima, image);
  const judged = judgeEntries(rules, nothingJudged(rules), isBootAggregate(proven[0]) ? proven.slice(1) : proven);
  const agent = image.agent === undefined || image.covers.userspace === 'verity' || judged.agent;
  return agent && Object.values(judged.faults).every(({ severity }) => severity !== 'fail');
}
