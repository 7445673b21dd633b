import { readChecksums } from '@vouchsafe/domain/attestation/ima/checksum-lines';
import { ImaList, listDigest, makeList } from '@vouchsafe/domain/attestation/ima/ima-list';
import { Problem } from '@vouchsafe/domain/problem';
import Type from 'typebox';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { ConfigurationContext } from './context.ts';

const Import = Type.Object(
  {
    list: ImaList,
    /** Put it in the place of the list of this name. */
    replace: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

const summaryOf = (list: ImaList, images: readonly string[]) => {
  const { name, source, created, entries } = list;
  let files = 0;
  for (let at = entries.indexOf('\n'); at >= 0; at = entries.indexOf('\n', at + 1)) files++;
  return { name, source, created, files, sha256: listDigest(list), images };
};

/** The lists of files that base images name: what a host may execute, and read as root. */
export const imaLists = ({ configuration, ...context }: Omit<ConfigurationContext, 'now'>): Operation[] => {
  const imagesOf = (list: string) =>
    configuration.images().flatMap(({ image }) => (image.ima?.lists.includes(list) ? [image.name] : []));
  return [
    query(
      {
        name: 'attestation.ima.lists.list',
        method: 'GET',
        path: '/attestation/ima/lists',
        grant: 'READ_ONLY',
        summary: 'List the IMA lists, with the number of their files and the images that name them',
      },
      () => configuration.ima.lists().map((list) => summaryOf(list, imagesOf(list.name))),
    ),
    operation(
      {
        name: 'attestation.ima.lists.create',
        method: 'POST',
        path: '/attestation/ima/lists',
        grant: 'SECURITY_MGMT',
        summary: 'Import an IMA list, or put it in the place of the one of its name',
        body: Import,
        bodyLimit: 64 * 1024 * 1024,
      },
      ({ list: given, replace = false }) => {
        const list = makeList(given, readChecksums(`IMA list ${given.name}`, given.entries).lines);
        const { images, ...detail } = summaryOf(list, imagesOf(list.name));
        const entry = changed('config.change', 'ima-list', list.name, { ...detail, replace });
        recorded(context, entry, () =>
          replace ? configuration.ima.replaceList(list) : configuration.ima.addList(list),
        );
        return { ...detail, images };
      },
    ),
    query(
      {
        name: 'attestation.ima.lists.get',
        method: 'GET',
        path: '/attestation/ima/lists/:name',
        grant: 'READ_ONLY',
        summary: 'Show an IMA list with all its files',
      },
      ({ params: { name = '' } }) => {
        const list = configuration.ima.list(name);
        return { ...summaryOf(list, imagesOf(name)), list };
      },
    ),
    query(
      {
        name: 'attestation.ima.lists.delete',
        method: 'DELETE',
        path: '/attestation/ima/lists/:name',
        grant: 'SECURITY_MGMT',
        summary: 'Delete an IMA list that no base image names',
      },
      ({ params: { name = '' } }) => {
        const images = imagesOf(name);
        if (images.length > 0) {
          throw new Problem('object.in-use', `IMA list ${name}: named by base image ${images.join(', ')}`);
        }
        const entry = changed('config.change', 'ima-list', name, { deleted: true });
        recorded(context, entry, () => configuration.ima.deleteList(name));
      },
    ),
  ];
};
