import { type CatalogueCase, type Expectation, families } from '@vouchsafe/testing/catalogue/case';
import { catalogue } from '@vouchsafe/testing/catalogue/catalogue';
import { code, page, table } from './markdown.ts';

const generated = 'packages/testing/src/catalogue';

const expected = (expectation: Expectation): string => {
  if (expectation === 'accept') return 'accepted';
  if ('problem' in expectation) return `not read: ${code(expectation.problem)}`;
  return `refused: ${expectation.findings.map(code).join(', ')}`;
};

/** What comes out, each outcome once, and how many changes of the honest attestation lead to it. */
function outcomes({ mutations = [] }: CatalogueCase): string[] {
  const counts = new Map<string, number>();
  for (const { expect } of mutations) counts.set(expected(expect), (counts.get(expected(expect)) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${outcome} (${count} made)`);
}

const removed = ({ mutations = [] }: CatalogueCase): string =>
  [...new Set(mutations.flatMap(({ without }) => (without === undefined ? [] : [without].flat())))]
    .map(code)
    .join(', ');

const elsewhere = ({ tests = [] }: CatalogueCase): string[] => tests.map(({ file, test }) => `[${test}](../${file})`);

const waiting = ({ waits }: CatalogueCase): string[] =>
  waits === undefined ? [] : [`**waits for step ${waits.step}**: ${waits.why}`];

const row = (each: CatalogueCase): string[] => [
  each.id,
  each.what,
  [...outcomes(each), ...elsewhere(each), ...waiting(each)].join('; '),
  removed(each),
];

/** `docs/attack-catalogue.md`. */
export function cataloguePage(): string {
  const made = catalogue.reduce((sum, { mutations = [] }) => sum + mutations.length, 0);
  const parts = Object.entries(families).flatMap(([letter, title]) => [
    `## ${letter}: ${title}`,
    table(
      ['case', 'what', 'proven by', 'succeeds without'],
      catalogue.filter(({ id }) => id.replace(/\d+$/, '') === letter).map(row),
    ),
  ]);
  return page(
    'Attacks and false rejects',
    generated,
    `Every attack on an attestation and on the release of a key that the tests know, and every honest host that must not be refused: a false reject is as much a failure as a false pass. ${made} of the tests are made from an honest attestation by changing one thing (\`${generated}/cases\`); others need real TPMs, running services or another package, and are named. The last column names the check without which the attack succeeds, which the same test shows.`,
    ...parts,
  );
}
