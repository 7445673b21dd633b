import { type Changes, changesOf, changesText } from '@vouchsafe/eventlog/changes';
import { diffLogs, type LogDifference } from '@vouchsafe/eventlog/diff';
import { type Candidate, sourceOf } from './candidate.ts';
import { imageFacts } from './image-facts.ts';
import { imageFit, type ProvenBoot } from './image-fit.ts';
import { imagePcrs } from './policy.ts';
import { type Finding, fail, info } from './verdict.ts';

/** How a boot departs from the image that is nearest to it. */
export interface ImageDifference {
  readonly nearest: Candidate;
  /** The PCRs that differ. */
  readonly pcrs: readonly number[];
  /** By facts, in words. */
  readonly changes: Changes | undefined;
  /** By events; a PCR that differs only in its start has none. */
  readonly events: readonly LogDifference[];
}

/** The candidate in which fewest PCRs differ; of several the first. */
export function nearestOf(candidates: readonly Candidate[], boot: ProvenBoot): Candidate | undefined {
  const counted = candidates.map((candidate) => ({ candidate, count: differingIn(candidate, boot).length }));
  return counted.toSorted((a, b) => a.count - b.count)[0]?.candidate;
}

const differingIn = (candidate: Candidate, boot: ProvenBoot): readonly number[] =>
  imageFit(candidate.image, boot, imagePcrs, (pcr) => sourceOf(candidate, pcr)).differing;

/** @param limit how many events are told of one PCR */
export function differenceFrom(nearest: Candidate, boot: ProvenBoot, limit: number): ImageDifference {
  const pcrs = differingIn(nearest, boot);
  const { log, facts } = boot;
  if (log === undefined || facts === undefined) return { nearest, pcrs, changes: undefined, events: [] };
  const events = pcrs.flatMap((pcr) =>
    diffLogs(imageFacts(sourceOf(nearest, pcr)).log, log, nearest.image.bank, [pcr], limit),
  );
  return { nearest, pcrs, changes: changesOf(imageFacts(nearest.boot.image).facts, facts), events };
}

/** What stands in each PCR that an image fixes, in an operator's words. */
const meanings: Readonly<Record<number, string>> = {
  0: 'firmware',
  2: 'drivers and option ROMs',
  3: 'configuration of drivers',
  4: 'boot loader or kernel image',
  7: 'Secure Boot state, keys or authorities',
  8: 'commands or kernel command line of the boot loader',
  9: 'initial file system, or files that the boot loader read',
  11: 'kernel, command line or initial file system inside the kernel image',
  12: 'kernel command line or add-ons beside the kernel image',
  13: 'system extensions',
  14: 'machine owner keys',
};

/** The findings of a boot that is not the image: in words first, then event by event. */
export function differenceFindings({ nearest, pcrs, changes, events }: ImageDifference): Finding[] {
  const { name } = nearest.image;
  const words = changes === undefined ? '' : changesText(changes);
  const told = new Set(events.map(({ pcr }) => pcr));
  const untold = pcrs.filter((pcr) => !told.has(pcr));
  return [
    ...(words === '' ? [] : [info('image.difference', `nearest base image ${name}: ${words}`, { image: name })]),
    ...events.map((event) => differs(event.pcr, name, `: ${withoutType(event.text)}`, event.actual?.index)),
    ...untold.map((pcr) => differs(pcr, name, '', undefined)),
  ];
}

const withoutType = (text: string): string => text.replaceAll(/PCR \d+ EV_[A-Z0-9_]+: /g, '');

const differs = (pcr: number, image: string, how: string, event: number | undefined): Finding =>
  fail('image.match', `${meanings[pcr] ?? 'measurements'} (PCR ${pcr}) differ from base image ${image}${how}`, {
    pcr,
    ...(event === undefined ? {} : { event }),
    image,
  });
