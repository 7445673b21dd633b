import type { Appraisal, Check } from '../appraisal.ts';
import { type BaseImage, coverageInWords } from '../base-image.ts';
import { type Candidate, candidatesOf, sourceOf } from '../candidate.ts';
import { chooseByFiles } from '../ima/by-files.ts';
import { differenceFindings, differenceFrom, nearestOf } from '../image-difference.ts';
import { type ImageFit, imageFit, type ProvenBoot } from '../image-fit.ts';
import type { ImageRecord, ImageStanding } from '../image-record.ts';
import { imageParts, imagePcrs } from '../policy.ts';
import { type Finding, fail, info } from '../verdict.ts';

/**
 * Stops software that is not one of the active base images. An image is matched as a whole, and so is a composition that
 * somebody declared: the firmware of one with the kernel of another is neither by itself.
 */
export const imageMatch: Check = {
  id: 'image.match',
  run(appraisal) {
    const { policy, challenge, now } = appraisal.input;
    const boot = provenBoot(appraisal);
    const candidates = candidatesOf(policy, now).filter(({ image }) => image.bank === challenge.bank);
    // Most hosts have the very values of an image; only for the others logs are compared.
    const { log: _log, ...values } = boot;
    const exact = candidates.filter((candidate) => fitOf(candidate, values).differing.length === 0);
    const matching = exact.some(({ standing }) => standing === 'active')
      ? exact
      : candidates.filter((candidate) => fits(candidate, boot, appraisal));
    const active = matching.filter(({ standing }) => standing === 'active');
    const found = chooseByFiles(active, appraisal);
    const idle = matching.filter(({ standing }) => standing !== 'active');
    const staged = idle.filter(({ standing }) => standing === 'staged').map(({ image }) => image.name);
    appraisal.prove('staged', staged);
    const told = idle.map((candidate) => tellIdle(candidate, found === undefined));
    if (found === undefined) return [...told, ...refuse(candidates, boot)];
    appraisal.prove('image', found.image);
    appraisal.prove('matched', found);
    const { ignored } = fitOf(found, boot);
    return [info('image.match', matchText(found), { image: found.image.name }), ...ignored, ...told];
  },
};

/** Events that are told of one PCR; an explanation has more. */
const eventsTold = 4;

/**
 * Without a log, that is in a round by reference, the image counts that the log was found to fit: log, values and policy
 * are those of that round, or the log would not be held.
 */
const fits = (candidate: Candidate, boot: ProvenBoot, appraisal: Appraisal): boolean =>
  appraisal.has('held')
    ? candidate.image.name === appraisal.get('held').image
    : fitOf(candidate, boot).differing.length === 0;

const fitOf = (candidate: Candidate, boot: ProvenBoot): ImageFit =>
  imageFit(candidate.image, boot, imagePcrs, (pcr) => sourceOf(candidate, pcr));

/** What image-fit compares with images, of an appraisal whose log was replayed. */
export const provenBoot = (appraisal: Appraisal): ProvenBoot => ({
  pcrs: appraisal.get('pcrs'),
  log: appraisal.has('log') ? appraisal.get('log') : undefined,
  facts: appraisal.has('facts') ? appraisal.get('facts') : undefined,
  rules: appraisal.input.policy.rules,
});

const matchText = ({ image, composition }: Candidate): string =>
  composition === undefined
    ? `base image ${image.name} ${coverageInWords(image.covers)}`
    : `composition ${image.name}, ${image.version}, ${coverageInWords(image.covers)}`;

/** What is said of an image that the host has, and that does not count. */
const idleWords: Readonly<Record<Exclude<ImageStanding, 'active'>, (record: ImageRecord) => string>> = {
  staged: () => 'is staged: this boot would be trusted if it were active',
  retired: () => 'was retired',
  expired: ({ not_after }) => `counted until ${not_after}`,
  'not-yet-valid': ({ not_before }) => `counts from ${not_before} on`,
};

/** A dry run is told beside the real verdict; an image that counts no more is the reason of a refusal. */
function tellIdle({ image: { name }, composition, standing, standsBy }: Candidate, refused: boolean): Finding {
  if (standing === 'active') throw new TypeError('an active image is not idle');
  const at = composition === undefined ? '' : `composition ${name}: `;
  const text = `${at}base image ${standsBy.image.name} ${idleWords[standing](standsBy)}`;
  if (standing === 'staged')
    return info('image.staged', text, { image: name, advice: `vouchsafe image activate ${standsBy.image.name}` });
  return (refused ? fail : info)(`image.${standing}`, text, { image: name });
}

function refuse(candidates: readonly Candidate[], boot: ProvenBoot): Finding[] {
  const active = candidates.filter(({ standing }) => standing === 'active');
  const nearest = nearestOf(active, boot);
  if (nearest === undefined) return [fail('image.none', 'no base image is active, so nothing can be trusted')];
  const images = active.map(({ image }) => image);
  return [...mixture(images, boot), ...differenceFindings(differenceFrom(nearest, boot, eventsTold))];
}

/** Names the parts when the host is a mixture of active images that nobody declared. */
function mixture(images: readonly BaseImage[], boot: ProvenBoot): Finding[] {
  const having = (part: readonly number[]) =>
    images.find((image) => imageFit(image, boot, part).differing.length === 0);
  const [firmware, rest] = [having(imageParts.firmware), having(imageParts.boot)];
  if (firmware === undefined || rest === undefined) return [];
  const advice = `vouchsafe image compose NAME --firmware ${firmware.name} --boot ${rest.name}`;
  return [
    fail('image.mixed', `firmware of ${firmware.name} with boot of ${rest.name}, which nobody declared`, { advice }),
  ];
}
