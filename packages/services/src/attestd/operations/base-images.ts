import { BaseImage, coverageInWords } from '@vouchsafe/domain/attestation/base-image';
import { verifyImage } from '@vouchsafe/domain/attestation/capture';
import { maxLogBytes } from '@vouchsafe/domain/attestation/messages';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { AttestdContext } from './context.ts';

const Import = Type.Object(
  { image: BaseImage, userspace_unmeasured: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);

const summaryOf = ({ name, version, created, covers }: BaseImage) => ({
  name,
  version,
  created,
  covers,
  coverage: coverageInWords(covers),
});

/** The base images: the boots that hosts may have. */
export const baseImages = ({ configuration, ...context }: AttestdContext): Operation[] => [
  query(
    {
      name: 'attestation.os.base-images.list',
      method: 'GET',
      path: '/attestation/os/base-images',
      grant: 'READ_ONLY',
      summary: 'List the base images and what they cover',
    },
    () => configuration.images().map(summaryOf),
  ),
  operation(
    {
      name: 'attestation.os.base-images.create',
      method: 'POST',
      path: '/attestation/os/base-images',
      grant: 'SECURITY_MGMT',
      summary: 'Import a base image',
      body: Import,
      bodyLimit: 2 * maxLogBytes,
    },
    ({ image, userspace_unmeasured = false }) => {
      if (image.covers.userspace === 'none' && !userspace_unmeasured) {
        throw new Problem(
          'input.invalid',
          `image ${image.name}: ${coverageInWords(image.covers)}; import it with userspace_unmeasured if that is meant`,
        );
      }
      verifyImage(image);
      const detail = { version: image.version, covers: image.covers };
      recorded(context, changed('image.import', 'base-image', image.name, detail), () => configuration.addImage(image));
      return summaryOf(image);
    },
  ),
  query(
    {
      name: 'attestation.os.base-images.get',
      method: 'GET',
      path: '/attestation/os/base-images/:name',
      grant: 'READ_ONLY',
      summary: 'Show a base image',
    },
    ({ params: { name = '' } }) => {
      const image = configuration.images().find((each) => each.name === name);
      if (image === undefined) throw new Problem('object.unknown', `base image ${name}`);
      return image;
    },
  ),
  query(
    {
      name: 'attestation.os.base-images.delete',
      method: 'DELETE',
      path: '/attestation/os/base-images/:name',
      grant: 'SECURITY_MGMT',
      summary: 'Stop trusting a base image',
    },
    ({ params: { name = '' } }) => {
      recorded(context, changed('image.delete', 'base-image', name), () => configuration.deleteImage(name));
    },
  ),
];
