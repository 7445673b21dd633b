import type { X509Certificate } from 'node:crypto';
import type { Group } from '../../group/group.ts';
import { whyNotInRole } from '../../group/role.ts';
import { Problem } from '../../problem.ts';
import { firstRefusal, type Rule } from '../../rules.ts';
import { evidenceDigest } from '../evidence-digest.ts';
import type { AttestationPolicy } from '../policy.ts';
import { type PolicyDocument, policyDigest } from '../policy-digest.ts';
import type { BundleFile } from './bundle-file.ts';
import { type BundleStatement, contentDigest, readBundleStatement } from './bundle-statement.ts';
import { type BundleContent, inputOf } from './evidence-bundle.ts';

/** A bundle before the group that it is held against. */
export interface PresentedBundle {
  readonly statement: BundleStatement;
  readonly signer: X509Certificate;
  readonly content: BundleContent;
  readonly policy: readonly PolicyDocument[] | undefined;
  readonly group: Group;
}

/** What a bundle is refused for, in the order in which one would argue. */
export const bundleRules: readonly Rule<PresentedBundle>[] = [
  {
    id: 'bundle.signer',
    stops: 'a bundle that somebody outside the group made up, or that another part of the group signed',
    // The certificates of attestd live for days, bundles for years: what counts is the day of the verdict.
    whyNot: ({ signer, group, statement: { iat } }) => whyNotInRole(signer, group, 'attestd', iat),
  },
  {
    id: 'bundle.group',
    stops: 'a bundle of another group',
    whyNot: ({ statement, group }) =>
      statement.group === group.id ? undefined : `it was made in group ${statement.group}`,
  },
  {
    id: 'bundle.content',
    stops: 'evidence, a time or a host record that was changed',
    whyNot: ({ statement, content }) =>
      contentDigest(content) === statement.content ? undefined : 'its content is not the one that was signed',
  },
  {
    id: 'bundle.policy',
    stops: 'another policy than that of the day',
    whyNot: ({ statement, policy }) => {
      if (policy === undefined)
        return 'it holds no policy documents: export it with `vouchsafe evidence export` on a Trust Authority host';
      return policyDigest({ documents: policy }) === statement.policy
        ? undefined
        : `its policy documents are not those of policy ${statement.policy}`;
    },
  },
  {
    id: 'bundle.time',
    stops: 'evidence that is judged at another time than the verdict was given',
    whyNot: ({ statement, content }) =>
      statement.iat === content.now ? undefined : 'the time of the content is not that of the verdict',
  },
  {
    id: 'bundle.evidence',
    stops: 'a verdict under the name of other evidence, as the audit record has it',
    whyNot: ({ statement, content }) =>
      evidenceDigest(inputOf(content, {} as AttestationPolicy)) === statement.evidence
        ? undefined
        : `its evidence is not ${statement.evidence}`,
  },
];

/**
 * Checks that a bundle is as an attestd of the group signed it. Says nothing yet about the verdict: see `replayBundle`.
 * @throws {Problem} `bundle.invalid`, `input.malformed`
 */
export async function verifyBundle(bundle: BundleFile, group: Group): Promise<PresentedBundle> {
  const read = await readBundleStatement(bundle.statement);
  const presented = { ...read, content: bundle.content, policy: bundle.policy, group };
  const refusal = await firstRefusal(bundleRules, presented);
  if (refusal !== undefined) throw new Problem('bundle.invalid', `evidence bundle: ${refusal.why}`);
  return presented;
}
