import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import { diffLogs } from '@vouchsafe/eventlog/diff';
import { decodeLog, type EventLog } from '@vouchsafe/eventlog/log';
import type { Check } from '../appraisal.ts';
import { type BaseImage, coverageInWords } from '../base-image.ts';
import { imagePcrs } from '../policy.ts';
import { type Finding, fail, info } from '../verdict.ts';

/**
 * Stops software that is not one of the base images. An image is matched as a whole: the firmware of one with the
 * kernel of another is neither.
 */
export const imageMatch: Check = {
  id: 'image.match',
  run(appraisal) {
    const { policy, challenge } = appraisal.input;
    if (policy.images.length === 0) return [fail('image.none', 'no base image is imported, so nothing can be trusted')];
    const pcrs = appraisal.get('pcrs');
    const matching = policy.images.find(
      (image) => image.bank === challenge.bank && mismatches(image, pcrs).length === 0,
    );
    if (matching === undefined) return explain(policy.images, pcrs, appraisal.get('log'));
    appraisal.prove('image', matching);
    return [info('image.match', `base image ${matching.name} ${coverageInWords(matching.covers)}`)];
  },
};

/** The PCRs of the image that the host does not have. An image that leaves one open matches nothing. */
function mismatches({ pcrs: golden }: BaseImage, pcrs: ReadonlyMap<number, Uint8Array>): number[] {
  return imagePcrs.filter((pcr) => {
    const value = pcrs.get(pcr);
    return value === undefined || golden[String(pcr)] !== hex(value);
  });
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
