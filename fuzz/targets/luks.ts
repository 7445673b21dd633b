import { DecodeError } from '@vouchsafe/bytes/reader';
import { inspectLuks } from '@vouchsafe/luks/inspect';
import { decodeHeader, encodePhdr } from '@vouchsafe/luks/phdr';
import { sampleHeader } from '@vouchsafe/luks/testing/sample';
import { bytesOf, type MakeTargets, oneOfClasses, wordsOf } from '../target.ts';

/** Headers of disk images. */
export const make: MakeTargets = () => {
  const header = sampleHeader(1).subarray(0, 4096);
  return [
    {
      name: 'luks-header',
      samples: [header.slice(0, 592), header, bytesOf(`QFI\u00fb${'\0'.repeat(40)}`)],
      words: wordsOf('LUKS', 'aes', 'xts-plain64', 'cbc-essiv:sha256', 'sha1', 'QFI'),
      run(bytes) {
        inspectLuks(bytes);
        encodePhdr(decodeHeader(bytes));
      },
      refuses: oneOfClasses(DecodeError),
    },
  ];
};
