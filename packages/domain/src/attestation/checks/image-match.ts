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
  stops: 'another firmware, loader, kernel, initrd or command line than a trusted one',
  run(appraisal) {
    const { policy, challenge } = appraisal.input;
    if (policy.images.length === 0)
      return [
        fail('image.none', 'no base image is imported, so nothing can be trusted', {
          advice: 'vouchsafe image import FILE',
        }),
      ];
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
      fail('image.match', `PCR ${pcr} differs from base image ${nearest.name}: ${text}`, { pcr }),
    ),
    ...untold.map((pcr) => fail('image.match', `PCR ${pcr} differs from base image ${nearest.name}`, { pcr })),
  ];
}
