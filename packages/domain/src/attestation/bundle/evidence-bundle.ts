import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { fromHex } from '@vouchsafe/bytes/hex';
import Type from 'typebox';
import { Problem } from '../../problem.ts';
import type { Appraisal, AppraisalInput } from '../appraisal.ts';
import type { Challenge } from '../challenge.ts';
import type { DecodedEvidence } from '../evidence.ts';
import { HeldLog } from '../held-log.ts';
import { HostRecord } from '../host-record.ts';
import { ImaProgress } from '../ima/progress.ts';
import type { KnownKeys } from '../known-keys.ts';
import { Finding, maxCommandLine, maxLogBytes, type OtherBank } from '../messages.ts';
import { banksInHex, valuesInHex } from '../pcr-values.ts';
import type { AttestationPolicy } from '../policy.ts';

const closed = { additionalProperties: false } as const;
const octets = (bytes: number) => Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength: Math.ceil((bytes * 4) / 3) });
const Octets32 = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });

const Pcr = Type.String({ pattern: '^(?:[0-9]|1[0-9]|2[0-3])$' });

const StoredChallenge = Type.Object(
  {
    nonce: Octets32,
    /**
     * Only when the evidence proved that its sender knows it, and the challenge was consumed by that: before, it would
     * still open something; afterwards it opens nothing, and without it `extraData` cannot be checked.
     */
    secret: Type.Optional(Octets32),
    ek: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    ek_public: octets(1024),
    ak: octets(1024),
    bank: Type.Literal('sha256'),
    pcrs: Type.Array(Type.Integer({ minimum: 0, maximum: 23 }), { maxItems: 24 }),
    epoch: Type.Integer({ minimum: 0 }),
    exp: Type.Integer(),
    jti: Type.String({ maxLength: 64 }),
  },
  // Facts that later versions add are plain JSON, and go through as they are.
  { additionalProperties: true },
);

const StoredEvidence = Type.Object(
  {
    claims: octets(4096),
    attest: octets(2048),
    signature: octets(1024),
    pcrs: Type.Record(Pcr, Type.String({ pattern: '^[0-9a-f]{64}$' }), closed),
    /** Values of other banks, by bank and PCR. */
    banks: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^sha[0-9]{1,3}$' }),
        Type.Record(Pcr, Type.String({ pattern: '^[0-9a-f]{40,128}$' })),
      ),
    ),
    /** Whole, even when the host had sent it before and only referred to it. */
    event_log: Type.Optional(octets(maxLogBytes)),
    ima_log: Type.Optional(octets(maxLogBytes)),
    command_line: Type.Optional(Type.String({ maxLength: maxCommandLine })),
    /** Logs that the host referred to instead of sending them. */
    reference: Type.Optional(
      Type.Object(
        { event_log_sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }), ima_entries: Type.Integer({ minimum: 0 }) },
        closed,
      ),
    ),
    ek_certificate: Type.Optional(octets(8192)),
    intermediates: Type.Array(octets(8192), { maxItems: 16 }),
  },
  closed,
);

/** What is known of the last quote of a host; see `BootRecord`. */
const StoredBoot = Type.Object(
  {
    ak: Type.String({ maxLength: 256 }),
    resetCount: Type.Integer({ minimum: 0 }),
    restartCount: Type.Integer({ minimum: 0 }),
    clock: Type.String({ pattern: '^[0-9]{1,20}$' }),
    safe: Type.Boolean(),
  },
  { additionalProperties: true },
);

/** What the service held of a log that the host referred to; see `HeldLog`. The log itself is in an earlier bundle. */
const StoredHeld = Type.Object(
  {
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    image: Type.String({ maxLength: 256 }),
    findings: Type.Record(Type.String(), Type.Array(Finding)),
    values: Type.Record(Pcr, Type.String({ pattern: '^[0-9a-f]{64}$' }), closed),
  },
  closed,
);

/** All that a verdict was made from, but for the policy: that stands beside it, since many bundles share one. */
export const BundleContent = Type.Object(
  {
    challenge: StoredChallenge,
    evidence: StoredEvidence,
    host: Type.Optional(HostRecord),
    /** What the registry knew of the keys; see `KnownKeys`. */
    known: Type.Optional(Type.Object({ sameTpm: Type.Array(HostRecord), akIsEkOf: Type.Optional(HostRecord) }, closed)),
    last_boot: Type.Optional(StoredBoot),
    ima_progress: Type.Optional(ImaProgress),
    held: Type.Optional(StoredHeld),
    /** Seconds since 1970. */
    now: Type.Integer({ minimum: 0 }),
    /** Whether the challenge was unused; absent when the appraisal did not come so far. */
    consumed: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type BundleContent = Type.Static<typeof BundleContent>;

/** @param consumed what `consume` answered, if it was asked */
export function contentOf(appraisal: Appraisal, consumed: boolean | undefined): BundleContent {
  const { input } = appraisal;
  const { host, known, lastBoot, imaProgress, now, challenge } = input;
  return {
    challenge: storedChallenge(challenge, consumed !== undefined),
    evidence: storedEvidence(input.evidence),
    ...(host === undefined ? {} : { host }),
    ...(known === undefined ? {} : { known: storedKeys(known) }),
    ...(lastBoot === undefined ? {} : { last_boot: lastBoot }),
    ...(imaProgress === undefined ? {} : { ima_progress: imaProgress }),
    ...(appraisal.has('held') ? { held: storedHeld(appraisal.get('held'), challenge.bank) } : {}),
    now,
    ...(consumed === undefined ? {} : { consumed }),
  };
}

/**
 * What to appraise anew: the same evidence at the same time.
 * @throws {Problem} `input.malformed` naming the field
 */
export function inputOf(content: BundleContent, policy: AttestationPolicy): AppraisalInput {
  const { challenge, evidence, host, known, last_boot, ima_progress, held, now, consumed = true } = content;
  const log = held === undefined ? undefined : heldOf(held);
  return {
    challenge: challengeOf(challenge),
    evidence: evidenceOf(evidence),
    policy,
    host,
    ...(known === undefined ? {} : { known: { sameTpm: known.sameTpm, akIsEkOf: known.akIsEkOf } }),
    lastBoot: last_boot,
    ...(ima_progress === undefined ? {} : { imaProgress: ima_progress }),
    ...(log === undefined ? {} : { held: () => log }),
    now,
    consume: () => consumed,
  };
}

const storedKeys = ({ sameTpm, akIsEkOf }: KnownKeys): NonNullable<BundleContent['known']> => ({
  sameTpm: [...sameTpm],
  ...(akIsEkOf === undefined ? {} : { akIsEkOf }),
});

const storedHeld = (held: HeldLog, bank: 'sha256'): NonNullable<BundleContent['held']> => ({
  sha256: held.sha256,
  image: held.image,
  findings: Object.fromEntries([...held.findings].map(([check, found]) => [check, [...found]])),
  values: valuesInHex(held.values(bank) ?? new Map()),
});

const heldOf = ({ sha256, image, findings, values }: NonNullable<BundleContent['held']>): HeldLog =>
  new HeldLog({
    sha256,
    image,
    findings: new Map(Object.entries(findings)),
    values: new Map([['sha256', valuesOf(values)]]),
  });

function storedChallenge({ nonce, secret, ekPublic, ak, ...facts }: Challenge, spent: boolean) {
  return {
    ...facts,
    pcrs: [...facts.pcrs],
    nonce: base64url(nonce),
    ...(spent ? { secret: base64url(secret) } : {}),
    ek_public: base64url(ekPublic),
    ak: base64url(ak),
  };
}

/** A secret that is left out is all zeros: the evidence did not answer the real one either. */
function challengeOf({ nonce, secret, ek_public, ak, ...facts }: BundleContent['challenge']): Challenge {
  return {
    ...facts,
    nonce: bytes('challenge.nonce', nonce),
    secret: secret === undefined ? new Uint8Array(32) : bytes('challenge.secret', secret),
    ekPublic: bytes('challenge.ek_public', ek_public),
    ak: bytes('challenge.ak', ak),
  };
}

function storedEvidence(evidence: DecodedEvidence): BundleContent['evidence'] {
  const { eventLog, imaLog, commandLine, ekCertificate, banks, reference } = evidence;
  return {
    claims: base64url(evidence.claims),
    attest: base64url(evidence.attest),
    signature: base64url(evidence.signature),
    pcrs: valuesInHex(evidence.pcrs),
    ...(banks === undefined ? {} : { banks: banksInHex(banks) }),
    ...(eventLog === undefined ? {} : { event_log: base64url(eventLog) }),
    ...(imaLog === undefined ? {} : { ima_log: base64url(imaLog) }),
    ...(commandLine === undefined ? {} : { command_line: commandLine }),
    ...(reference === undefined
      ? {}
      : { reference: { event_log_sha256: reference.eventLog, ima_entries: reference.imaEntries } }),
    ...(ekCertificate === undefined ? {} : { ek_certificate: base64url(ekCertificate) }),
    intermediates: evidence.intermediates.map(base64url),
  };
}

function evidenceOf(stored: BundleContent['evidence']): DecodedEvidence {
  const { event_log, ima_log, ek_certificate, banks, reference } = stored;
  return {
    claims: bytes('claims', stored.claims),
    attest: bytes('attest', stored.attest),
    signature: bytes('signature', stored.signature),
    pcrs: valuesOf(stored.pcrs),
    ...(banks === undefined
      ? {}
      : { banks: new Map(Object.entries(banks).map(([bank, values]) => [bank as OtherBank, valuesOf(values)])) }),
    eventLog: event_log === undefined ? undefined : bytes('event_log', event_log),
    reference:
      reference === undefined ? undefined : { eventLog: reference.event_log_sha256, imaEntries: reference.ima_entries },
    imaLog: ima_log === undefined ? undefined : bytes('ima_log', ima_log),
    commandLine: stored.command_line,
    ekCertificate: ek_certificate === undefined ? undefined : bytes('ek_certificate', ek_certificate),
    intermediates: stored.intermediates.map((each, i) => bytes(`intermediates[${i}]`, each)),
  };
}

const valuesOf = (values: Readonly<Record<string, string>>): Map<number, Uint8Array> =>
  new Map(Object.entries(values).map(([pcr, value]) => [Number(pcr), fromHex(value)]));

function bytes(field: string, text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw new Problem('input.malformed', `evidence bundle: ${field}: ${(cause as Error).message}`, { cause });
  }
}
