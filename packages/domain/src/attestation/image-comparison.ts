import { type Change, type ComparedPart, changesOf } from '@vouchsafe/eventlog/changes';
import { diffLogs } from '@vouchsafe/eventlog/diff';
import type { BaseImage } from './base-image.ts';
import { imageFacts } from './image-facts.ts';
import { imagePcrs } from './policy.ts';

/** How an image departs from another, so that a person can decide about it. */
export interface ImageComparison {
  /** Name of the other image. */
  readonly from: string;
  /** What is proven to differ, in an operator's words. */
  readonly changed: readonly Change[];
  /** Parts that both prove, and prove alike. */
  readonly unchanged: readonly ComparedPart[];
  /** The events that differ, whether a fact is about them or not. */
  readonly events: readonly string[];
}

/** The image that fixes the most PCRs alike; the first of several. */
export const nearestImage = (image: BaseImage, others: readonly BaseImage[]): BaseImage | undefined =>
  others.toSorted((a, b) => unlike(a, image).length - unlike(b, image).length)[0];

const unlike = (a: BaseImage, b: BaseImage): number[] =>
  imagePcrs.filter((pcr) => a.pcrs[String(pcr)] !== b.pcrs[String(pcr)]);

/** Compares an image with one that is known. */
export function compareImages(image: BaseImage, known: BaseImage): ImageComparison {
  const [before, after] = [imageFacts(known), imageFacts(image)];
  const events = diffLogs(before.log, after.log, image.bank, unlike(known, image)).map(({ text }) => text);
  return { from: known.name, ...changesOf(before.facts, after.facts), events };
}
