import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { diffLogs } from '@vouchsafe/eventlog/diff';
import { decodeLog, type EventLog } from '@vouchsafe/eventlog/log';
import type { Check } from '../appraisal.ts';
import { type BaseImage, coverageInWords } from '../base-image.ts';
import { type ImageRecord, type ImageStanding, standingOf } from '../image-record.ts';
import { imagePcrs } from '../policy.ts';
import { type Finding, fail, info } from '../verdict.ts';

/**
 * Stops software that is not one of the active base images. An image is matched as a whole: the firmware of one with
 * the kernel of another is neither.
 */
export const imageMatch: Check = {
  id: 'image.match',
  run(appraisal) {
    const { policy, challenge, now } = appraisal.input;
    const pcrs = appraisal.get('pcrs');
    const [counting, others] = [[] as BaseImage[], [] as [ImageRecord, ImageStanding][]];
    for (const record of policy.images) {
      const standing = standingOf(record, now);
      if (standing === 'active') counting.push(record.image);
      else others.push([record, standing]);
    }
    const matches = (image: BaseImage) => image.bank === challenge.bank && mismatches(image, pcrs).length === 0;
    const matching = counting.find(matches);
    const idle = others.filter(([{ image }]) => matches(image));
    appraisal.prove(
      'staged',
      idle.filter(([, standing]) => standing === 'staged').map(([{ image }]) => image.name),
    );
    if (matching === undefined) {
      const dry = idle.map(([record, standing]) => tellIdle(record, standing, true));
      return [...dry, ...refuse(counting, pcrs, appraisal.get('log'))];
    }
    appraisal.prove('image', matching);
    return [
      info('image.match', `base image ${matching.name} ${coverageInWords(matching.covers)}`),
      ...idle.map(([record, standing]) => tellIdle(record, standing, false)),
    ];
  },
};

/** The PCRs of the image that the host does not have. An image that leaves one open matches nothing. */
function mismatches({ pcrs: golden }: BaseImage, pcrs: ReadonlyMap<number, Uint8Array>): number[] {
  return imagePcrs.filter((pcr) => {
    const value = pcrs.get(pcr);
    return value === undefined || golden[String(pcr)] !== hex(value);
  });
}

/** What is said of an image that the host has, and that does not count. */
const idleWords: Readonly<Record<Exclude<ImageStanding, 'active'>, (record: ImageRecord) => string>> = {
  staged: () => 'is staged: this boot would be trusted if it were active',
  retired: () => 'was retired',
  expired: ({ not_after }) => `counted until ${not_after}`,
  'not-yet-valid': ({ not_before }) => `counts from ${not_before} on`,
};

/** A dry run is told beside the real verdict; an image that counts no more is the reason of a refusal. */
function tellIdle(record: ImageRecord, standing: ImageStanding, refused: boolean): Finding {
  if (standing === 'active') throw new TypeError('an active image is not idle');
  const { name } = record.image;
  const text = `base image ${name} ${idleWords[standing](record)}`;
  if (standing === 'staged')
    return info('image.staged', text, { image: name, advice: `vouchsafe image activate ${name}` });
  return (refused ? fail : info)(`image.${standing}`, text, { image: name });
}

const refuse = (images: readonly BaseImage[], pcrs: ReadonlyMap<number, Uint8Array>, log: EventLog): Finding[] =>
  images.length > 0
    ? explain(images, pcrs, log)
    : [fail('image.none', 'no base image is active, so nothing can be trusted')];

/** Says against the nearest image which events differ: that is what an operator can act on. */
function explain(images: readonly BaseImage[], pcrs: ReadonlyMap<number, Uint8Array>, log: EventLog): Finding[] {
  const [nearest] = images.toSorted((a, b) => mismatches(a, pcrs).length - mismatches(b, pcrs).length);
  if (nearest === undefined) return [fail('image.match', 'no base image')];
  const differing = mismatches(nearest, pcrs);
  const differences = diffLogs(decodeLog(fromBase64url(nearest.event_log)), log, nearest.bank, differing);
  const told = new Set(differences.map(({ pcr }) => pcr));
  const untold = differing.filter((pcr) => !told.has(pcr));
  return [
    ...differences.map(({ pcr, text }) =>
      differs(pcr, nearest, `: ${text.replaceAll(/PCR \d+ EV_[A-Z0-9_]+: /g, '')}`),
    ),
    ...untold.map((pcr) => differs(pcr, nearest, '')),
  ];
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

const differs = (pcr: number, { name }: BaseImage, how: string): Finding =>
  fail('image.match', `${meanings[pcr] ?? 'measurements'} (PCR ${pcr}) differ from base image ${name}${how}`, { pcr });
