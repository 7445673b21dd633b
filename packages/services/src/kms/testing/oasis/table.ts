import type { Played } from './conformance.ts';
import { leftOut } from './left-out.ts';
import { rules } from './rules.ts';

const nameOf = ({ version, name }: Played): string => `${version} ${name}`;

/** The page that says which cases end as they are written. @throws {TypeError} when one does not and nobody said why */
export function conformancePage(played: readonly Played[]): string {
  const failed = played.filter(({ outcome }) => !outcome.passed);
  const explained = leftOut.map((each) => ({ ...each, found: failed.filter((one) => each.cases.test(nameOf(one))) }));
  for (const one of failed)
    if (!leftOut.some(({ cases }) => cases.test(nameOf(one)))) throw new TypeError(`${nameOf(one)}: nobody says why`);
  const versions = [...new Set(played.map(({ version }) => version))];
  const counts = versions.map((version) => {
    const of = played.filter((each) => each.version === version);
    return `| ${version} | ${of.length} | ${of.filter(({ outcome }) => outcome.passed).length} |`;
  });
  return `# KMIP conformance

<!-- Made by packages/services/src/kms/testing/oasis/write.ts; do not edit. -->

The test cases that OASIS publishes with the KMIP profiles, played over TLS against the embedded key server: each request as it is written, each answer compared field by field.

| version | cases | pass |
|---|---|---|
${counts.join('\n')}
| all | ${played.length} | ${played.length - failed.length} |

## What may differ

A field of an answer that the case does not have, one that it has and the answer does not, another value or another order is a failure, except where the permitted test case variations of "KMIP Profiles Version 1.4" (OASIS Standard, 22 November 2017) let it differ, or the case states a fact about the server that it was recorded on:

${Object.values(rules)
  .map((rule) => `- ${rule}`)
  .join('\n')}

## Cases that do not pass

| feature | cases | why |
|---|---|---|
${explained.map(({ feature, found, why }) => `| ${feature} | ${found.map(nameOf).join(', ')} | ${why} |`).join('\n')}
`;
}
