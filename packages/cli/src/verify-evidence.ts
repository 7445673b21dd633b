import { unpackBundle } from '@vouchsafe/domain/attestation/bundle/bundle-file';
import { replayBundle } from '@vouchsafe/domain/attestation/bundle/replay-bundle';
import { verifyBundle } from '@vouchsafe/domain/attestation/bundle/verify-bundle';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import type { Finding, Verdict } from '@vouchsafe/domain/attestation/verdict';
import { groupOf } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import { policyOfDocuments } from '@vouchsafe/services/attestd/policy-of-documents';

/** What came of a bundle. */
export interface EvidenceReport {
  /** Both the recorded verdict and the one made now. */
  readonly trusted: boolean;
  readonly host: string | undefined;
  readonly ek: string;
  /** ISO 8601. */
  readonly time: string;
  /** The Attestation Service that gave the verdict. */
  readonly instance: string;
  readonly group: string;
  readonly evidence: string;
  readonly policy: string;
  readonly epoch: number;
  readonly image: string | undefined;
  readonly recorded: Verdict;
  /** Of today's checks, and what they differ in from the recorded ones. */
  readonly findings: readonly Finding[];
}

/**
 * Checks a bundle against a group and makes its verdict again.
 * @param expected the group by its name or by its CA (PEM)
 * @throws {Problem} `bundle.invalid`, `service.untrusted`, `input.malformed`, `input.invalid`, `input.too-large`
 */
export async function verifyEvidence(
  bytes: Uint8Array,
  expected: { readonly group: string | undefined; readonly ca: string | undefined },
): Promise<EvidenceReport> {
  const bundle = unpackBundle(bytes);
  const ca = expected.ca ?? bundle.ca;
  if (ca === undefined) throw new Problem('bundle.invalid', 'evidence bundle: it holds no CA: give it with --ca');
  const group = groupOf(ca, expected.group);
  const verified = await verifyBundle(bundle, group);
  const policy = policyOfDocuments(verified.policy ?? [], group);
  const { recorded, today, differences } = replayBundle(verified, policy, attestationChecks);
  const { statement, content } = verified;
  return {
    trusted: recorded.trusted && today.trusted,
    host: content.host?.name,
    ek: content.challenge.ek,
    time: new Date(content.now * 1000).toISOString(),
    instance: statement.iss,
    group: group.id,
    evidence: statement.evidence,
    policy: statement.policy,
    epoch: statement.epoch,
    image: today.appraisal.has('image') ? today.appraisal.get('image').name : undefined,
    recorded,
    findings: [...differences, ...today.findings],
  };
}
