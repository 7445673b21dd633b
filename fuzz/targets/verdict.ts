import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { equalBytes } from '@vouchsafe/bytes/equal';
import { concat, hex } from '@vouchsafe/bytes/hex';
import { appraise } from '@vouchsafe/domain/attestation/appraisal';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { activeRecord } from '@vouchsafe/domain/attestation/image-record';
import type { Evidence } from '@vouchsafe/domain/attestation/messages';
import { imagePcrs } from '@vouchsafe/domain/attestation/policy';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { isExtended } from '@vouchsafe/eventlog/replay';
import { boot } from '@vouchsafe/eventlog/testing/boot';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import { buildIma } from '@vouchsafe/eventlog/testing/ima';
import { inputOf, measuredPcrs } from '@vouchsafe/testing/catalogue/compose';
import { createTpm, createWorld, honestParts, imageOf } from '@vouchsafe/testing/catalogue/honest';
import type { Parts } from '@vouchsafe/testing/catalogue/parts';
import { decodeAttest, quoteInfoOf } from '@vouchsafe/tpm2/attest';
import { problemsOf } from '../problems.ts';
import { type MakeTargets, oneOfClasses, type Target } from '../target.ts';

/** An attestation that was changed and is trusted all the same, although what it says is not what it was. */
class FalsePass extends Error {}

/** The appraisal of an attestation: refused, or a failure when `same` says that it is not what was honest. */
function judge(parts: Parts, same: () => string | undefined): void {
  const { trusted, findings } = appraise(inputOf(parts), attestationChecks);
  const lie = trusted ? same() : undefined;
  if (lie !== undefined) throw new FalsePass(lie);
  if (!trusted) throw new Refused(findings.map(({ check }) => check).join());
}

/** The expected end of nearly every mutant. */
class Refused extends Error {}

const refuses = (error: unknown): boolean =>
  oneOfClasses(Refused)(error) || problemsOf('input.malformed', 'input.invalid')(error);

const fields = ['claims', 'attest', 'signature', 'ek_certificate', 'event_log', 'ima_log'] as const;
type Field = (typeof fields)[number];
const octets = (evidence: Evidence, field: Field) => fromBase64url(evidence[field] ?? '');

/**
 * Whole attestations, judged as a service does: a mutant that is trusted must say the same as the honest one. Three
 * attackers: one who changes what is on the wire, one whose TPM signs whatever it is given, and one who really booted
 * something else and quotes it honestly.
 */
export const make: MakeTargets = async () => {
  const world = await createWorld();
  const tpm = await createTpm(world);
  const honest = honestParts(world, tpm);
  const evidence = sentBy(honest);
  const log = buildLog(boot, ['sha256']);
  const golden = {
    ...honest,
    ima: [],
    banks: ['sha256'] as const,
    policy: { ...honest.policy, images: [activeRecord(imageOf('golden', boot))] },
  };

  const onTheWire: Target = {
    name: 'verdict-wire',
    samples: fields.map((field, i) => concat(Uint8Array.of(i), octets(evidence, field))),
    run(bytes) {
      const field = fields[(bytes[0] ?? 0) % fields.length] ?? 'claims';
      const changed = bytes.subarray(1);
      const parts = { ...honest, evidence: (sent: Evidence) => ({ ...sent, [field]: base64url(changed) }) };
      judge(parts, () => wireLie(field, changed, octets(evidence, field)));
    },
    refuses,
  };
  const signed: Target = {
    name: 'verdict-quote',
    samples: [octets(evidence, 'attest')],
    run: (bytes) => judge({ ...honest, attest: () => bytes }, () => quoteLie(bytes, octets(evidence, 'attest'))),
    refuses,
  };
  const booted: Target = {
    name: 'verdict-boot',
    samples: [log, buildLog(boot.slice(0, -1), ['sha256'])],
    run(bytes) {
      const other = { ...golden, log: () => bytes, pcrs: () => measuredBy(bytes) };
      judge(other, () => bootLie(bytes, log));
    },
    refuses,
  };
  return [onTheWire, signed, booted];
};

/** The evidence of an honest attestation; its extraData is that of each run, so only its shape is used. */
function sentBy(parts: Parts): Evidence {
  let sent: Evidence | undefined;
  inputOf({
    ...parts,
    evidence: (each) => {
      sent = each;
      return each;
    },
  });
  if (sent === undefined) throw new TypeError('nothing was sent');
  return sent;
}

function measuredBy(log: Uint8Array): ReadonlyMap<number, Uint8Array> {
  try {
    return measuredPcrs(log, buildIma([]));
  } catch {
    // A log that cannot be replayed is no boot: the TPM is empty.
    return new Map(Array.from({ length: 24 }, (_, pcr) => [pcr, new Uint8Array(32)]));
  }
}

/** What a trusted mutant says that the honest evidence does not. */
function wireLie(field: Field, changed: Uint8Array, honest: Uint8Array): string | undefined {
  if (equalBytes(changed, honest)) return undefined;
  // Both r, s and r, n - s are signatures; the bytes that are signed stay what they were.
  if (field === 'signature') return undefined;
  if (field === 'event_log') return bootLie(changed, honest);
  if (field === 'ima_log') return undefined;
  if (field === 'ek_certificate')
    return hex(changed).includes(hex(tbsOf(honest))) ? undefined : 'another EK certificate';
  return `other ${field}`;
}

/** The signed part of a certificate: the first element inside the outer SEQUENCE. */
function tbsOf(der: Uint8Array): Uint8Array {
  const head = 4;
  const size = ((der[head + 2] ?? 0) << 8) | (der[head + 3] ?? 0);
  return der.subarray(head, head + 4 + size);
}

function quoteLie(changed: Uint8Array, honest: Uint8Array): string | undefined {
  const [now, was] = [decodeAttest(changed), decodeAttest(honest)];
  if (now.magic !== was.magic || now.type !== was.type) return 'another structure';
  if (!equalBytes(now.extraData, was.extraData)) return 'another challenge';
  return equalBytes(quoteInfoOf(now).pcrDigest, quoteInfoOf(was).pcrDigest) ? undefined : 'other PCRs';
}

/** Texts that come as often as the firmware tries boot options; they are no part of what was booted. */
const attempts = ['Calling EFI Application from Boot Option', 'Returning from EFI Application from Boot Option'];

/** The digests of a PCR that an image fixes, in order, without boot attempts. */
function digests(log: Uint8Array, pcr: number): string {
  const events = decodeLog(log).events.filter((event) => event.pcr === pcr && isExtended(event));
  const counted = events.filter(({ data }) => pcr !== 4 || !attempts.includes(Buffer.from(data).toString('latin1')));
  return counted.map((event) => hex(event.digests.sha256 ?? new Uint8Array())).join();
}

function bootLie(changed: Uint8Array, honest: Uint8Array): string | undefined {
  const other = imagePcrs.filter((pcr) => digests(changed, pcr) !== digests(honest, pcr));
  return other.length === 0 ? undefined : `another boot in PCR ${other.join(', ')}`;
}
