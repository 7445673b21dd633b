import { survivalTable } from '@vouchsafe/services/kms/testing/survival-table';
import { page, table } from './markdown.ts';

/** `docs/kmip-survival.md`. */
export const survivalPage = (): string =>
  page(
    'What the key server survives',
    'packages/services/src/kms/testing/survival-table.ts',
    'What clients and strangers may send to the key server, and what it does. After each case of the first test, a client that was there before and one that comes are served; memory is bounded over all of them. There is no HTTPS, XML or JSON listener.',
    table(
      ['case', 'what', 'then', 'shown by'],
      survivalTable.map(({ id, what, outcome, tests }) => [
        id,
        what,
        outcome,
        tests.map(([file, name]) => `[${name}](../${file})`).join('; '),
      ]),
    ),
  );
