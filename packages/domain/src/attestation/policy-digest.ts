import { createHash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';

/** A document of the configuration that verdicts depend on, as it is stored. */
export interface PolicyDocument {
  readonly collection: string;
  readonly name: string;
  readonly body: unknown;
}

const label = 'vouchsafe/policy/1\0';
const none: readonly PolicyDocument[] = [];
const digests = new WeakMap<readonly PolicyDocument[], string>();

/**
 * Names the policy of a verdict: base64url(SHA-256) over all documents that verdicts depend on, the registry of hosts
 * left out, since a verdict depends on one row of it only. Two instances with the same configuration name it alike.
 *
 * SHA-256("vouchsafe/policy/1" 0x00 ‖ canonical JSON of [[collection, name, body], ...] in order of collection and name)
 */
export function policyDigest({ documents = none }: { readonly documents?: readonly PolicyDocument[] }): string {
  const known = digests.get(documents) ?? digestOf(documents);
  digests.set(documents, known);
  return known;
}

function digestOf(documents: readonly PolicyDocument[]): string {
  const rows = documents.map(({ collection, name, body }) => [collection, name, body] as const);
  const sorted = rows.toSorted(([a, b], [c, d]) => (a < c || (a === c && b < d) ? -1 : 1));
  return createHash('sha256').update(label).update(canonicalJson(sorted)).digest('base64url');
}
