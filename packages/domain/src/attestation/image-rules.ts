import { Problem } from '../problem.ts';
import type { BaseImage } from './base-image.ts';
import type { BootRules } from './boot-rules.ts';
import { ruleFindings } from './checks/boot-rules.ts';
import { imageFacts } from './image-facts.ts';
import { logFinding } from './log-findings.ts';
import type { Finding } from './verdict.ts';

/** How the boot of an image itself breaks the rules: no host that has the image could pass. */
export function imageBreaches(image: BaseImage, rules: BootRules): Finding[] {
  const { facts } = imageFacts(image);
  const log = facts.findings.flatMap((each) => logFinding(each, rules) ?? []);
  return [...log, ...ruleFindings(rules, { facts, image })].filter(({ severity }) => severity === 'fail');
}

/**
 * Refuses rules that an image breaks, and an image that breaks the rules: hosts would be refused without a reason that
 * anybody could see beforehand.
 * @throws {Problem} `image.untrusted` naming image and rule
 */
export function refuseBreaches(images: readonly BaseImage[], rules: BootRules): void {
  for (const image of images) {
    const [first, ...more] = imageBreaches(image, rules);
    if (first === undefined) continue;
    const others = more.length === 0 ? '' : ` (and ${more.length} more)`;
    throw new Problem(
      'image.untrusted',
      `base image ${image.name} breaks ${first.check}: ${first.detail}${others}; change the rule or retire the image`,
    );
  }
}
