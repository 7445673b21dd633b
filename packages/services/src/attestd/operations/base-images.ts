import { coverageInWords } from '@vouchsafe/domain/attestation/base-image';
import type { Composition } from '@vouchsafe/domain/attestation/composition';
import { compareImages, nearestImage } from '@vouchsafe/domain/attestation/image-comparison';
import { type ImageRecord, standingOf } from '@vouchsafe/domain/attestation/image-record';
import { maxLogBytes } from '@vouchsafe/domain/attestation/messages';
import { Problem } from '@vouchsafe/domain/problem';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import { administrator, Import, importedRecord, objections } from '../image-import.ts';
import type { Sighting } from '../image-sightings.ts';
import type { AttestdContext, ConfigurationContext } from './context.ts';

const summaryOf = (record: ImageRecord, now: Date) => {
  const { image, state, not_before, not_after, imported, activated, signer, captured } = record;
  const { name, version, created, covers, kernel } = image;
  const coverage = coverageInWords(covers);
  const standing = standingOf(record, now.getTime() / 1000);
  return {
    name,
    version,
    created,
    state,
    standing,
    kernel,
    not_before,
    not_after,
    imported,
    activated,
    signer,
    captured,
    covers,
    coverage,
  };
};

type ImagesContext = ConfigurationContext & Pick<AttestdContext, 'sightings' | 'group'>;

/** The hosts of the registry that had an image, the latest first. */
const hostsOf = ({ configuration, sightings }: ImagesContext, { image, imported }: ImageRecord) =>
  sightings.of(image.name, imported).filter(({ ek }) => configuration.host(ek)?.state === 'approved');

/** The base images: the boots that hosts may have. */
export const baseImages = (context: ImagesContext): Operation[] => {
  const { configuration, now } = context;
  return [
    query(
      {
        name: 'attestation.os.base-images.list',
        method: 'GET',
        path: '/attestation/os/base-images',
        grant: 'READ_ONLY',
        summary: 'List the base images with their state and what they cover',
      },
      () =>
        configuration.images().map((record) => {
          const hosts = hostsOf(context, record);
          return { ...summaryOf(record, now()), hosts: hosts.length, last_attested_time: lastOf(hosts) };
        }),
    ),
    operation(
      {
        name: 'attestation.os.base-images.create',
        method: 'POST',
        path: '/attestation/os/base-images',
        grant: 'SECURITY_MGMT',
        summary: 'Import a base image; it is staged until it is activated',
        body: Import,
        bodyLimit: 2 * maxLogBytes,
      },
      async (body) => {
        const record = await importedRecord(body, context);
        if (record.state === 'active') refuseUntrusted(record, configuration);
        refuseTaken(record.image.name, configuration.compositions());
        const { name, version, covers } = record.image;
        const { signer, file, captured } = record;
        const detail = { version, covers, state: record.state, signer, file, captured };
        recorded(context, changed('image.import', 'base-image', name, detail), () => configuration.addImage(record));
        return summaryOf(record, now());
      },
    ),
    operation(
      {
        name: 'attestation.os.base-images.preview',
        method: 'POST',
        path: '/attestation/os/base-images/preview',
        grant: 'READ_ONLY',
        summary:
          'Show what an import would do, and how the image departs from the nearest active one; nothing is written',
        body: Import,
        bodyLimit: 2 * maxLogBytes,
      },
      async (body) => {
        const record = await importedRecord(body, context);
        const active = configuration.images().filter((each) => standingOf(each, now().getTime() / 1000) === 'active');
        const nearest = nearestImage(
          record.image,
          active.map(({ image }) => image),
        );
        const difference = nearest && compareImages(record.image, nearest);
        return { ...summaryOf(record, now()), objections: objections(record, configuration), difference };
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
        const record = configuration.image(name);
        const hosts = hostsOf(context, record);
        return { ...summaryOf(record, now()), last_attested_time: lastOf(hosts), hosts, image: record.image };
      },
    ),
    query(
      {
        name: 'attestation.os.base-images.activate',
        method: 'POST',
        path: '/attestation/os/base-images/:name/activate',
        grant: 'SECURITY_MGMT',
        summary: 'Let hosts have this base image from now on',
      },
      ({ params: { name = '' } }) => {
        const record = configuration.image(name);
        refuseUntrusted(record, configuration);
        const next = { ...record, state: 'active' as const, activated: { at: now().toISOString(), by: administrator } };
        const detail = { from: record.state, imported_by: record.by };
        recorded(context, changed('image.activate', 'base-image', name, detail), () => configuration.putImage(next));
        return summaryOf(next, now());
      },
    ),
    query(
      {
        name: 'attestation.os.base-images.retire',
        method: 'POST',
        path: '/attestation/os/base-images/:name/retire',
        grant: 'SECURITY_MGMT',
        summary: 'Stop trusting a base image and keep it, so that findings can name it',
      },
      ({ params: { name = '' } }) => {
        const record = configuration.image(name);
        const next = { ...record, state: 'retired' as const };
        const entry = changed('image.retire', 'base-image', name, { from: record.state });
        recorded(context, entry, () => configuration.putImage(next));
        return summaryOf(next, now());
      },
    ),
    query(
      {
        name: 'attestation.os.base-images.delete',
        method: 'DELETE',
        path: '/attestation/os/base-images/:name',
        grant: 'SECURITY_MGMT',
        summary: 'Stop trusting a base image and forget it',
      },
      ({ params: { name = '' } }) => {
        const using = configuration.compositions().find(({ firmware, boot }) => firmware === name || boot === name);
        if (using !== undefined)
          throw new Problem(
            'object.in-use',
            `composition ${using.name} is made of base image ${name}; retire it, or delete that first`,
          );
        recorded(context, changed('image.delete', 'base-image', name), () => configuration.deleteImage(name));
      },
    ),
  ];
};

/** When a host last passed with the image; the name is that of the vendor contract. */
const lastOf = (hosts: readonly Sighting[]): string | undefined =>
  hosts
    .flatMap(({ passed = [] }) => passed)
    .toSorted()
    .at(-1);

/** @throws {Problem} `image.untrusted` */
function refuseUntrusted(record: ImageRecord, configuration: ConfigurationContext['configuration']): void {
  const reasons = objections(record, configuration);
  if (reasons.length > 0)
    throw new Problem('image.untrusted', `base image ${record.image.name}: ${reasons.join('; ')}`);
}

/** Tokens name images and compositions alike. */
function refuseTaken(name: string, compositions: readonly Composition[]): void {
  if (compositions.some((each) => each.name === name))
    throw new Problem('object.exists', `there is a composition ${name}`);
}
