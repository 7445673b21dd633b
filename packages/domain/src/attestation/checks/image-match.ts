import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { diffLogs } from '@vouchsafe/eventlog/diff';
import { decodeLog, type EventLog } from '@vouchsafe/eventlog/log';
import type { Check } from '../appraisal.ts';
import { type BaseImage, coverageInWords } from '../base-image.ts';
import { type Candidate, candidatesOf } from '../candidate.ts';
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
    const pcrs = appraisal.get('pcrs');
    const candidates = candidatesOf(policy, now).filter(({ image }) => image.bank === challenge.bank);
    const matching = candidates.filter(({ image }) => mismatches(image, pcrs).length === 0);
    const found = matching.find(({ standing }) => standing === 'active');
    const idle = matching.filter(({ standing }) => standing !== 'active');
    const staged = idle.filter(({ standing }) => standing === 'staged').map(({ image }) => image.name);
    appraisal.prove('staged', staged);
    const told = idle.map((candidate) => tellIdle(candidate, found === undefined));
    if (found === undefined) return [...told, ...refuse(candidates, pcrs, appraisal.get('log'))];
    appraisal.prove('image', found.image);
    appraisal.prove('matched', found);
    return [info('image.match', matchText(found), { image: found.image.name }), ...told];
  },
};

const matchText = ({ image, composition }: Candidate): string =>
  composition === undefined
    ? `base image ${image.name} ${coverageInWords(image.covers)}`
    : `composition ${image.name}, ${image.version}, ${coverageInWords(image.covers)}`;

/** The PCRs of the image that the host does not have. An image that leaves one open matches nothing. */
function mismatches(
  { pcrs: golden }: BaseImage,
  pcrs: ReadonlyMap<number, Uint8Array>,
  of: readonly number[] = imagePcrs,
): number[] {
  return of.filter((pcr) => {
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
function tellIdle({ image: { name }, composition, standing, standsBy }: Candidate, refused: boolean): Finding {
  if (standing === 'active') throw new TypeError('an active image is not idle');
  const at = composition === undefined ? '' : `composition ${name}: `;
  const text = `${at}base image ${standsBy.image.name} ${idleWords[standing](standsBy)}`;
  if (standing === 'staged')
    return info('image.staged', text, { image: name, advice: `vouchsafe image activate ${standsBy.image.name}` });
  return (refused ? fail : info)(`image.${standing}`, text, { image: name });
}

function refuse(candidates: readonly Candidate[], pcrs: ReadonlyMap<number, Uint8Array>, log: EventLog): Finding[] {
  const images = candidates.filter(({ standing }) => standing === 'active').map(({ image }) => image);
  if (images.length === 0) return [fail('image.none', 'no base image is active, so nothing can be trusted')];
  return [...mixture(images, pcrs), ...explain(images, pcrs, log)];
}

/** Names the parts when the host is a mixture of active images that nobody declared. */
function mixture(images: readonly BaseImage[], pcrs: ReadonlyMap<number, Uint8Array>): Finding[] {
  const having = (part: readonly number[]) => images.find((image) => mismatches(image, pcrs, part).length === 0);
  const [firmware, boot] = [having(imageParts.firmware), having(imageParts.boot)];
  if (firmware === undefined || boot === undefined) return [];
  const advice = `vouchsafe image compose NAME --firmware ${firmware.name} --boot ${boot.name}`;
  return [
    fail('image.mixed', `firmware of ${firmware.name} with boot of ${boot.name}, which nobody declared`, { advice }),
  ];
}

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
