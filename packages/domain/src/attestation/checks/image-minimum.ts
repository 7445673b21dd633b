import type { Check } from '../appraisal.ts';
import { shortfalls } from '../minimums.ts';
import { fail } from '../verdict.ts';

/**
 * Stops a downgrade to software that was trusted once: an image that is still active, and that lies below what the
 * administrator asks for now. Facts are those of the host, whose dbx may be newer than that of its image.
 */
export const imageMinimum: Check = {
  id: 'image.minimum',
  ofLog: true,
  run(appraisal) {
    // A boot that is no image at all was refused already.
    if (!appraisal.has('matched')) return [];
    const { image } = appraisal.get('matched').boot;
    const { minimums } = appraisal.input.policy;
    return shortfalls(image, minimums, appraisal.get('facts')).map(({ id, detail }) =>
      fail(id, detail, { image: image.name }),
    );
  },
};
