import { BaseImage, coverageInWords } from '@vouchsafe/domain/attestation/base-image';
import { verifyImage } from '@vouchsafe/domain/attestation/capture';
import type { Composition } from '@vouchsafe/domain/attestation/composition';
import { ImageRecord, standingOf } from '@vouchsafe/domain/attestation/image-record';
import { refuseBreaches } from '@vouchsafe/domain/attestation/image-rules';
import { maxLogBytes } from '@vouchsafe/domain/attestation/messages';
import { type Minimums, shortfalls } from '@vouchsafe/domain/attestation/minimums';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { Sighting } from '../image-sightings.ts';
import type { AttestdContext, ConfigurationContext } from './context.ts';

const { not_before, not_after } = ImageRecord.properties;

const Import = Type.Object(
  {
    image: BaseImage,
    userspace_unmeasured: Type.Optional(Type.Boolean()),
    /** Import and activation in one act; otherwise the image is staged. */
    activate: Type.Optional(Type.Boolean()),
    not_before,
    not_after,
  },
  { additionalProperties: false },
);
type Import = Type.Static<typeof Import>;

/** Who acts on the administrator's socket. */
const administrator = 'local-root';

const summaryOf = (record: ImageRecord, now: Date) => {
  const { image, state, not_before, not_after, imported, activated } = record;
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
    covers,
    coverage,
  };
};

type ImagesContext = ConfigurationContext & Pick<AttestdContext, 'sightings'>;

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
      (body) => {
        const record = newRecord(body, now());
        if (record.state === 'active') refuseUnfit(record.image, configuration);
        refuseTaken(record.image.name, configuration.compositions());
        const { name, version, covers } = record.image;
        const detail = { version, covers, state: record.state };
        recorded(context, changed('image.import', 'base-image', name, detail), () => configuration.addImage(record));
        return summaryOf(record, now());
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
        refuseUnfit(record.image, configuration);
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

/** @throws {Problem} `image.untrusted` when its hosts would be refused: by the minimums, or by a rule */
function refuseUnfit(image: BaseImage, configuration: ImagesContext['configuration']): void {
  refuseShort(image, configuration.minimums());
  refuseBreaches([image], configuration.rules());
}

/** @throws {Problem} `image.untrusted` when it is older than what is asked for */
function refuseShort(image: BaseImage, minimums: Minimums): void {
  const details = shortfalls(image, minimums).map(({ detail }) => detail);
  if (details.length > 0) throw new Problem('image.untrusted', details.join('; '));
}

/** Tokens name images and compositions alike. */
function refuseTaken(name: string, compositions: readonly Composition[]): void {
  if (compositions.some((each) => each.name === name))
    throw new Problem('object.exists', `there is a composition ${name}`);
}

/** @throws {Problem} `input.invalid`, `input.malformed` */
function newRecord(body: Import, now: Date): ImageRecord {
  const { image, userspace_unmeasured = false, activate = false, not_before, not_after } = body;
  if (image.covers.userspace === 'none' && !userspace_unmeasured) {
    throw new Problem(
      'input.invalid',
      `image ${image.name}: ${coverageInWords(image.covers)}; import it with userspace_unmeasured if that is meant`,
    );
  }
  refuseEmptyTime(body);
  verifyImage(image);
  const at = now.toISOString();
  return {
    image,
    state: activate ? 'active' : 'staged',
    ...(not_before !== undefined && { not_before }),
    ...(not_after !== undefined && { not_after }),
    imported: at,
    by: administrator,
    ...(activate && { activated: { at, by: administrator } }),
    ...(userspace_unmeasured && { userspace_unmeasured }),
  };
}

/** The pattern lets a 31st of February through, and Date makes a day of March of it. */
const isMoment = (text: string): boolean =>
  !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().slice(0, 19) === text.slice(0, 19);

function refuseEmptyTime({ not_before, not_after }: Import): void {
  for (const [field, moment] of Object.entries({ not_before, not_after })) {
    if (moment !== undefined && !isMoment(moment))
      throw new Problem(
        'input.invalid',
        `${field}: ${moment} is no moment; expected ISO 8601 such as 2027-01-31T00:00:00Z`,
      );
  }
  if (not_before !== undefined && not_after !== undefined && Date.parse(not_after) <= Date.parse(not_before))
    throw new Problem('input.invalid', `not_after: expected a moment behind not_before, ${not_before}`);
}
