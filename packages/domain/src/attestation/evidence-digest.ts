import { createHash } from 'node:crypto';
import { base64url } from '@vouchsafe/bytes/base64url';
import { fromHex, hex } from '@vouchsafe/bytes/hex';
import { canonicalJson } from '../canonical-json.ts';
import type { AppraisalInput } from './appraisal.ts';
import { banksInHex, valuesInHex } from './pcr-values.ts';

const label = 'vouchsafe/evidence/1\0';
const absent = new Uint8Array(32);

/**
 * Names the evidence of a verdict: base64url(SHA-256). An event log that a host refers to counts as if it had been sent;
 * of an IMA log that goes on behind `n` known entries, D is the digest of canonical JSON `{after: n, log: D(entries)}`.
 *
 * SHA-256("vouchsafe/evidence/1" 0x00 ‖ D(challenge) ‖ D(claims) ‖ D(attest) ‖ D(signature) ‖ D(pcrs) ‖ D(event log) ‖
 * D(IMA log) ‖ D(EK certificate) ‖ D(intermediates) [‖ D(command line), when one was sent]), where D is SHA-256, or 32 zero bytes for what is not there;
 * `challenge` and `pcrs` (values by bank and number) are canonical JSON, `intermediates` the digests of the certificates one after another. The
 * challenge's secret is left out: `attest` carries a digest over it.
 */
export function evidenceDigest({ challenge, evidence }: Pick<AppraisalInput, 'challenge' | 'evidence'>): string {
  const { nonce, secret: _secret, ekPublic, ak, ...facts } = challenge;
  const asked = { ...facts, nonce: base64url(nonce), ek_public: base64url(ekPublic), ak: base64url(ak) };
  const { intermediates, banks } = evidence;
  const values = { ...banksInHex(banks ?? new Map()), sha256: valuesInHex(evidence.pcrs) };
  const parts: (Uint8Array | undefined)[] = [
    sha256(canonicalJson(asked)),
    sha256(evidence.claims),
    sha256(evidence.attest),
    sha256(evidence.signature),
    sha256(canonicalJson(values)),
    eventLogDigest(evidence),
    imaDigest(evidence),
    evidence.ekCertificate && sha256(evidence.ekCertificate),
    intermediates.length === 0 ? undefined : sha256(Buffer.concat(intermediates.map(sha256))),
  ];
  const whole = createHash('sha256').update(label);
  for (const part of parts) whole.update(part ?? absent);
  if (evidence.commandLine !== undefined) whole.update(sha256(evidence.commandLine));
  return whole.digest('base64url');
}

function eventLogDigest({ eventLog, reference }: AppraisalInput['evidence']): Uint8Array | undefined {
  if (eventLog !== undefined) return sha256(eventLog);
  return reference === undefined ? undefined : fromHex(reference.eventLog);
}

function imaDigest({ imaLog, reference }: AppraisalInput['evidence']): Uint8Array | undefined {
  const after = reference?.imaEntries ?? 0;
  if (after > 0) return sha256(canonicalJson({ after, log: hex(sha256(imaLog ?? new Uint8Array())) }));
  return imaLog === undefined ? undefined : sha256(imaLog);
}

const sha256 = (data: Uint8Array | string): Uint8Array => createHash('sha256').update(data).digest();
