import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import Type from 'typebox';
import { canonicalJson } from '../../canonical-json.ts';
import { readStatement, type StatementKind, signStatement } from '../../group/certified-jws.ts';
import { jsonReader } from '../../parse.ts';
import { Problem } from '../../problem.ts';
import { Finding } from '../messages.ts';
import type { BundleContent } from './evidence-bundle.ts';

const Digest = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });

/** What an Attestation Service says of a verdict that it gave, over the evidence that lies beside it. */
export const BundleStatement = Type.Object(
  {
    v: Type.Literal(1),
    /** The instance. */
    iss: Type.String({ maxLength: 256 }),
    group: Digest,
    /** When the verdict was given, in seconds since 1970. */
    iat: Type.Integer({ minimum: 0 }),
    verdict: Type.Object(
      { trusted: Type.Boolean(), findings: Type.Array(Finding, { maxItems: 10_000 }) },
      { additionalProperties: false },
    ),
    /** As in the audit record; see `evidenceDigest`. */
    evidence: Digest,
    /** As in the audit record; see `policyDigest`. */
    policy: Digest,
    epoch: Type.Integer({ minimum: 0 }),
    /** base64url(SHA-256) of the content in canonical JSON. */
    content: Digest,
  },
  { additionalProperties: false },
);
export type BundleStatement = Type.Static<typeof BundleStatement>;

const kind: StatementKind = {
  typ: 'vs-evidence+jws',
  name: 'an evidence bundle',
  limit: 8 * 1024 * 1024,
  refuse: (why, cause) => new Problem('bundle.invalid', `evidence bundle: ${why}`, { cause }),
};

/** What the statement says of the content: changed in any octet, it is another one. */
export const contentDigest = (content: BundleContent): string =>
  createHash('sha256').update(canonicalJson(content)).digest('base64url');

/** Signs a statement with the key of an attestd that the group CA certified. */
export const signBundle = (key: KeyObject, certificate: X509Certificate, statement: BundleStatement): Promise<string> =>
  signStatement(kind, key, certificate, statement);

const read = jsonReader('evidence bundle: statement', BundleStatement);

/**
 * Form and signature of a statement; whose it is, the rules say.
 * @throws {Problem} `bundle.invalid`
 */
export async function readBundleStatement(
  jws: string,
): Promise<{ readonly statement: BundleStatement; readonly signer: X509Certificate }> {
  const { text, signer } = await readStatement(kind, jws);
  try {
    return { statement: read(text), signer };
  } catch (cause) {
    throw kind.refuse((cause as Error).message, cause);
  }
}
