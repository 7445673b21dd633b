import { Minimums, shortfalls } from '@vouchsafe/domain/attestation/minimums';
import { type Operation, operation, query } from '../../management/operation.ts';
import { changed, recorded } from '../../management/recorded.ts';
import type { ConfigurationContext } from './context.ts';

/** The oldest software that base images may hold. */
export const minimums = ({ configuration, ...context }: ConfigurationContext): Operation[] => [
  query(
    {
      name: 'attestation.os.minimums.get',
      method: 'GET',
      path: '/attestation/os/minimums',
      grant: 'READ_ONLY',
      summary: 'Show what base images must reach, and which active ones do not',
    },
    () => answer(configuration),
  ),
  operation(
    {
      name: 'attestation.os.minimums.set',
      method: 'PUT',
      path: '/attestation/os/minimums',
      grant: 'SECURITY_MGMT',
      summary: 'Set all that base images must reach',
      body: Minimums,
      bodyLimit: 4 * 1024 * 1024,
    },
    (next) => {
      const { dbx, ...others } = next;
      const detail = { ...others, ...(dbx !== undefined && { dbx: { name: dbx.name, entries: dbx.entries.length } }) };
      recorded(context, changed('image.minimums', 'settings', 'minimums', detail), () =>
        configuration.setMinimums(next),
      );
      return answer(configuration);
    },
  ),
];

/** Active images below the minimums: their hosts are refused from now on. */
function answer(configuration: ConfigurationContext['configuration']) {
  const minimums = configuration.minimums();
  const active = configuration.images().filter(({ state }) => state === 'active');
  const below = active.flatMap(({ image }) =>
    shortfalls(image, minimums).map(({ id, detail }) => ({ image: image.name, check: id, detail })),
  );
  return { minimums, below };
}
