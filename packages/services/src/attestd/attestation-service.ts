import { createSecretKey, type KeyObject, randomBytes, randomUUID, type X509Certificate } from 'node:crypto';
import { fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import {
  type Appraisal,
  type AppraisalInput,
  type Appraised,
  appraise,
  type BootKey,
  isKnownTpm,
} from '@vouchsafe/domain/attestation/appraisal';
import { type BootRecord, bootRecordOf } from '@vouchsafe/domain/attestation/boot-record';
import type { Candidate } from '@vouchsafe/domain/attestation/candidate';
import { captureStatement, signCaptureStatement } from '@vouchsafe/domain/attestation/capture-statement';
import { type Challenge, openChallenge, sealChallenge } from '@vouchsafe/domain/attestation/challenge';
import { attestationChecks, captureChecks, neededOfCapture } from '@vouchsafe/domain/attestation/checks/table';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { pemOf } from '@vouchsafe/domain/attestation/ek-pem';
import { decodeEvidence } from '@vouchsafe/domain/attestation/evidence';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import type { KnownKeys } from '@vouchsafe/domain/attestation/known-keys';
import type {
  CaptureAnswer,
  ChallengeAnswer,
  ChallengeRequest,
  Evidence,
  ReportAnswer,
} from '@vouchsafe/domain/attestation/messages';
import { newChallenge } from '@vouchsafe/domain/attestation/new-challenge';
import { type AttestationPolicy, defaultInterval } from '@vouchsafe/domain/attestation/policy';
import { signAssertion } from '@vouchsafe/domain/attestation/saml/assertion';
import { clockLeeway, signToken, type TokenClaims } from '@vouchsafe/domain/attestation/token';
import { tokenClaims } from '@vouchsafe/domain/attestation/token-claims';
import type { Finding } from '@vouchsafe/domain/attestation/verdict';
import { type VerdictRecord, verdictRecord } from '@vouchsafe/domain/attestation/verdict-record';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { Group } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import { nameOf } from '@vouchsafe/tpm2/name';
import type { Membership } from '../host/group-link.ts';
import type { BootHistories } from './boot-histories.ts';
import type { AttestationConfiguration } from './configuration.ts';
import type { GivenVerdict } from './evidence-keeper.ts';
import { HeldEvidence } from './held-evidence.ts';
import type { SeenImages } from './image-sightings.ts';
import { UnprovenRefusals } from './unproven-refusals.ts';

/** Seconds that a host has to answer: TPMs may need several for one quote. */
const challengeLifetime = 60;
/** Seconds that evidence may wait for its turn after its challenge has expired. */
const longestQueue = 30;
/** Bytes of evidence that a TPM may send which nobody has approved. */
const strangerLimit = 8 * 1024 * 1024;

/** What signs tokens: this instance's own key and the group CA's certificate for it. */
export interface TokenSigner {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

export interface AttestationServiceInput {
  /** Name of the instance, for the token's `iss`. */
  readonly instance: string;
  readonly group: Group;
  /** What the group has taken away, whatever this instance's own registry says. */
  readonly membership: Membership;
  readonly configuration: AttestationConfiguration;
  readonly signer: () => TokenSigner;
  /** Is told which images an approved host has: the one that it passed with, and staged ones. */
  readonly saw?: (seen: SeenImages, now: number) => void;
  /** What TPMs said before. */
  readonly boots: Pick<BootHistories, 'last' | 'put'>;
  /** Records a change of the registry; throws when it cannot. */
  readonly audit: (entry: AuditEntry) => void;
  /** Records a verdict, and what it was made from; on the disk when it resolves. As `audit` when it is not given. */
  readonly record?: (entry: AuditEntry) => Promise<void>;
  /** Is given every verdict with its evidence, but for refusals that were too many to be recorded. */
  readonly keep?: (given: GivenVerdict) => void;
  /** Is given every verdict of a TPM that proved itself, to be explained. */
  readonly explain?: (given: GivenVerdict) => void;
  /** Whether evidence must come whole, since it is kept for people who have nothing else. */
  readonly whole?: () => boolean;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** The image, and the two that a composition is made of. */
const namesOf = ({ image, firmware, boot }: Candidate): string[] => [
  ...new Set([image.name, firmware.image.name, boot.image.name]),
];

/** The dry run beside a verdict. */
interface StagedImages {
  /** Names of staged images that the host has. */
  readonly staged?: readonly string[];
}

/** Evidence that was judged, and what its sender asked for. */
interface Reported {
  readonly appraised: Appraised;
  /** What `consume` answered; undefined when the appraisal did not come so far. */
  readonly consumed: boolean | undefined;
  readonly saml: boolean;
}

/** The two rounds of an attestation (RFC 9334, passport model). It keeps nothing for challenges that are under way. */
export class AttestationService {
  readonly #input: AttestationServiceInput;
  /** Lives as long as the process, so no other instance and no later start accepts our challenges. */
  readonly #key = createSecretKey(randomBytes(32));
  readonly #used = new Map<string, number>();
  readonly #unproven = new UnprovenRefusals();
  readonly #held = new HeldEvidence();

  constructor(input: AttestationServiceInput) {
    this.#input = input;
  }

  /**
   * First round: a challenge that only the TPM of this EK can answer.
   * @throws {Problem} `input.invalid`, `input.malformed`, `group.stale`
   */
  async begin(request: ChallengeRequest): Promise<ChallengeAnswer> {
    const { now, membership } = this.#input;
    membership.mustServe();
    const { challenge, told } = newChallenge(request, {
      nonce: new Uint8Array(randomBytes(32)),
      secret: new Uint8Array(randomBytes(32)),
      epoch: membership.standing.epoch,
      exp: now() + challengeLifetime,
      jti: randomUUID(),
    });
    const body = this.isOurs(challenge.ek) ? {} : { body: strangerLimit };
    return { challenge: sealChallenge(this.#key, { ...challenge, ...body }), ...told };
  }

  /** Whether an endorsement key is approved. */
  isOurs(ek: string): boolean {
    return this.#input.configuration.host(ek)?.state === 'approved';
  }

  /** Whether a request names an endorsement key that is approved; whoever knows its public half can do that. */
  isOursIn({ ek }: ChallengeRequest): boolean {
    try {
      return this.isOurs(ekHash(fromBase64url(ek.public)));
    } catch {
      return false;
    }
  }

  /** Opens a sealed challenge before the evidence is read. @throws {Problem} `challenge.elsewhere`, `challenge.expired` */
  open(sealed: string): Challenge {
    return openChallenge(this.#key, sealed, this.#input.now());
  }

  /**
   * Second round: appraises the evidence. A refusal is an answer, not an error.
   * @param opened the challenge of the header; without it the one in the evidence counts
   * @throws {Problem} `challenge.elsewhere`, `challenge.expired`, `evidence.unknown`, `input.malformed`, `input.invalid`,
   *   `group.stale`
   */
  async report(request: Evidence, opened?: Challenge): Promise<ReportAnswer> {
    const examined = await this.#examine(request, opened, (input) => appraise(input, attestationChecks));
    if (examined.appraised.wantsLogs) throw logsWanted(examined.appraised);
    const given = { ...examined, saml: request.documents?.includes('saml2') === true };
    return await (given.appraised.trusted ? this.#accept(given) : this.#refuse(given));
  }

  /**
   * Second round of a capture: confirms that a genuine TPM has these values now and that the log leads to them. No token
   * comes of it, and nothing is trusted.
   * @throws {Problem} as `report`; `attestation.refused` with the findings
   */
  async capture(request: Evidence, opened?: Challenge): Promise<CaptureAnswer> {
    const { signer, instance } = this.#input;
    const examined = await this.#examine(request, opened, (input) => appraise(input, captureChecks, neededOfCapture));
    const { appraised, consumed } = examined;
    if (appraised.wantsLogs) throw logsWanted(appraised);
    if (!appraised.trusted) {
      const { findings } = await this.#refuse({ appraised, consumed, saml: false });
      throw new Problem('attestation.refused', 'the boot of this host is not confirmed', { data: { findings } });
    }
    const content = captureStatement(appraised.appraisal, instance);
    const { ek, host, tpm, event_log } = content;
    await this.#record({
      action: 'image.capture',
      actor: { kind: 'host', id: ek },
      target: { kind: 'host', id: host ?? ek },
      outcome: 'success',
      detail: { host, tpm, event_log },
    });
    const { key, certificate } = signer();
    return { statement: await signCaptureStatement(key, certificate, content) };
  }

  async #examine(
    request: Evidence,
    opened: Challenge | undefined,
    appraiseIt: (input: AppraisalInput) => Appraised,
  ): Promise<{ appraised: Appraised; consumed: boolean | undefined }> {
    const { now, configuration, group, boots, membership } = this.#input;
    const challenge = opened ?? this.open(request.challenge ?? '');
    this.#mustBeInTime(challenge);
    membership.mustServe();
    const policy = configuration.policy(group);
    const keys = configuration.registry.knownKeys(challenge, akNameOf(challenge));
    const known = { ...keys, sameTpm: keys.sameTpm.map((row) => this.#unlessDenied(row)) };
    const row =
      configuration.host(challenge.ek) ?? this.#onFirstContact(challenge.ek, policy.settings.enrolment, known);
    const host = row && this.#unlessDenied(row);
    const evidence = decodeEvidence(request);
    const lastBoot = boots.last(challenge, evidence.attest);
    let consumed: boolean | undefined;
    const consume = (jti: string) => {
      consumed = this.#consume(jti, challenge.exp);
      return consumed;
    };
    const held = (boot: BootKey) => (this.#input.whole?.() ? undefined : this.#held.log(boot, policy));
    const imaProgress = this.#held.ima(challenge, evidence.attest);
    const input = { challenge, evidence, policy, host, known, lastBoot, imaProgress, held, now: now(), consume };
    return { appraised: appraiseIt(input), consumed };
  }

  /** It was in time when it was opened; it may have waited for its turn, and never as long as its use is remembered. */
  #mustBeInTime({ exp }: Challenge): void {
    const late = this.#input.now() - exp;
    if (late > longestQueue) throw new Problem('challenge.expired', `the challenge expired ${late} s ago`);
  }

  async #accept({ appraised, consumed, saml }: Reported): Promise<ReportAnswer> {
    const { findings, appraisal } = appraised;
    const { ek } = appraisal.input.challenge;
    const { signer, instance, now, boots, configuration, membership } = this.#input;
    const date = membership.standing.dateFor(`ek:${ek}`, now(), clockLeeway);
    const claims = tokenClaims(appraisal, { instance, now: date, jti: randomUUID() });
    // Nothing waits between verdict, registry and record: a host that is revoked or deleted meanwhile is not put back.
    const { record, staged } = configuration.together(() => {
      if (configuration.host(ek) === undefined) this.#enrol({ ...appraisal.get('host'), ...provenKeys(appraisal) });
      boots.put(ek, this.#bootOf(appraisal));
      const { challenge } = appraisal.input;
      configuration.registry.remember(ek, akNameOf(challenge), () => pemOf(challenge.ekPublic));
      const given = { appraised, record: verdictRecord(appraisal.input), consumed };
      const told = { record: given.record, staged: this.#told(appraised) };
      this.#input.keep?.(given);
      this.#input.explain?.(given);
      return told;
    });
    await this.#recordToken(ek, claims, { ...record, ...staged });
    const { key, certificate } = signer();
    const token = await signToken(key, certificate, claims);
    const warnings = findings.filter((finding) => finding.severity !== 'info');
    const held = this.#held.keep(appraised);
    const { img: image, host, exp: expires } = claims;
    const order = { claims, holder: appraisal.get('claims').sig };
    const assertion = saml ? { saml: signAssertion(key, certificate, order) } : {};
    const next_attestation = nextAttestation(appraisal.input.policy);
    const answer = { attested: true, token, expires, image, host, findings: warnings, next_attestation, ...assertion };
    return this.#input.whole?.() ? answer : { ...answer, held };
  }

  #bootOf(appraisal: Appraisal): BootRecord {
    const { challenge, now: at } = appraisal.input;
    return bootRecordOf(challenge.ak, appraisal.get('attest'), { bootId: appraisal.get('claims').boot_id, at });
  }

  async #record(entry: AuditEntry): Promise<void> {
    const { record, audit } = this.#input;
    await (record === undefined ? audit(entry) : record(entry));
  }

  async #recordToken(ek: string, claims: TokenClaims, record: VerdictRecord & StagedImages): Promise<void> {
    const { host, scope, img: image, jti: token, exp } = claims;
    await this.#record({
      action: 'host.attest',
      actor: { kind: 'host', id: ek },
      target: { kind: 'token', id: token },
      outcome: 'success',
      detail: { host, scope, image, token, exp, ...record },
    });
  }

  /** Tells which images an approved host has. @returns the staged ones, for the record of the verdict */
  #told({ appraisal, trusted }: Appraised): StagedImages {
    const staged = appraisal.has('staged') ? appraisal.get('staged') : [];
    const { host } = appraisal.input;
    if (appraisal.has('claims') && host?.state === 'approved') {
      const passed = trusted ? namesOf(appraisal.get('matched')) : [];
      this.#input.saw?.({ ek: host.ek, host: host.name, passed, staged }, appraisal.input.now);
    }
    return staged.length === 0 ? {} : { staged };
  }

  /** Enters a host on first contact. */
  #enrol(host: HostRecord): void {
    this.#input.audit({
      action: 'host.approve',
      actor: { kind: 'part', id: 'attestd' },
      target: { kind: 'ek', id: host.ek },
      outcome: 'success',
      detail: { name: host.name, scope: host.scope, tpm: host.tpm, enrolled: host.enrolled },
    });
    this.#input.configuration.putHost(host);
  }

  async #refuse({ appraised, consumed }: Reported): Promise<ReportAnswer> {
    const { findings, appraisal } = appraised;
    const { challenge, host } = appraisal.input;
    const { ek } = challenge;
    // Only a TPM that proved its EK may wait for approval, so nobody can fill the list with made-up keys.
    const proven = isKnownTpm(appraisal);
    if (proven && appraisal.has('tpm') && host === undefined) this.#addPending(appraisal);
    const omitted = proven ? 0 : this.#unproven.take(this.#input.now());
    if (omitted !== undefined) {
      const given = { appraised, record: verdictRecord(appraisal.input), consumed };
      const staged = this.#told(appraised);
      this.#input.keep?.(given);
      this.#input.explain?.(given);
      await this.#recordRefusal(given, staged, omitted);
    }
    const registered = this.#input.configuration.host(ek)?.state;
    const known = proven && registered === 'approved' && appraisal.input.host?.state === 'approved';
    const told = known ? [...findings] : oneLine(findings);
    return { attested: false, findings: told, next_attestation: nextAttestation(appraisal.input.policy) };
  }

  async #recordRefusal(
    { appraised: { appraisal, findings }, record }: GivenVerdict,
    staged: StagedImages,
    omitted: number,
  ): Promise<void> {
    const { challenge, host } = appraisal.input;
    await this.#record({
      action: 'host.refuse',
      actor: { kind: 'host', id: challenge.ek },
      target: { kind: 'host', id: host?.name ?? challenge.ek },
      outcome: 'failure',
      problem: 'attestation.refused',
      detail: { findings, host: host?.name, ...record, ...staged, ...(omitted > 0 && { omitted }) },
    });
  }

  #addPending(appraisal: Appraised['appraisal']): void {
    const { challenge, now } = appraisal.input;
    const image = appraisal.has('image') ? appraisal.get('image').name : undefined;
    const since = new Date(now * 1000).toISOString();
    const { aks, ...keys } = provenKeys(appraisal);
    const added = this.#input.configuration.addPending({ ek: challenge.ek, image, since, ...keys, ak: aks[0] });
    if (!added) return;
    this.#input.audit({
      action: 'host.pending',
      actor: { kind: 'host', id: challenge.ek },
      target: { kind: 'registry', id: 'hosts' },
      outcome: 'success',
      detail: { image },
    });
  }

  /** Another member may have revoked what our own registry still approves: remove wins. */
  #unlessDenied(host: HostRecord): HostRecord {
    return this.#input.membership.standing.isDenied(`ek:${host.ek}`) ? { ...host, state: 'revoked' } : host;
  }

  /**
   * With enrolment `auto` the first valid attestation approves an EK; the token says so. Another EK of a TPM that is
   * approved becomes a row of the same host.
   */
  #onFirstContact(ek: string, enrolment: 'approve' | 'auto', { sameTpm }: KnownKeys): HostRecord | undefined {
    if (enrolment !== 'auto') return undefined;
    const since = new Date(this.#input.now() * 1000).toISOString();
    const { name = `ek-${ek.slice(0, 16)}`, scope = 'default' } =
      sameTpm.find(({ state }) => state === 'approved') ?? {};
    return {
      ek,
      name,
      scope,
      state: 'approved',
      tpm: 'hardware',
      enrolled: 'auto',
      by: 'first contact',
      since,
    };
  }

  /**
   * Enters a challenge; no `await` stands between test and entry, so of two racers one passes. It is remembered beyond
   * its end, since its expiry was looked at a moment ago.
   */
  #consume(jti: string, exp: number): boolean {
    const now = this.#input.now();
    for (const [old, until] of this.#used) {
      if (until + challengeLifetime >= now) break;
      this.#used.delete(old);
    }
    if (this.#used.has(jti)) return false;
    this.#used.set(jti, exp);
    return true;
  }
}

const akNameOf = ({ ak }: Challenge): string => hex(nameOf(ak));

/** What an attestation proved of a TPM, as the registry keeps it. */
function provenKeys(appraisal: Appraised['appraisal']) {
  const { challenge } = appraisal.input;
  const { manufacturer, model } = appraisal.has('certificate') ? appraisal.get('certificate') : {};
  return {
    tpm: appraisal.get('tpm'),
    aks: [akNameOf(challenge)] as [string],
    public_key: pemOf(challenge.ekPublic),
    ...(manufacturer !== undefined && { manufacturer: manufacturer.slice(0, 64) }),
    ...(model !== undefined && { model: model.slice(0, 256) }),
  };
}
/** Seconds until a host should come again: up to a tenth more or less, so that hosts that began together drift apart. */
const nextAttestation = ({ settings }: AttestationPolicy): number =>
  Math.round((settings.attestation_interval ?? defaultInterval) * (0.9 + 0.2 * Math.random()));

/** By reference a boot is confirmed or not judged at all. */
function logsWanted({ findings }: Appraised): Problem {
  const unused = findings.some(({ check }) => check === 'evidence.held');
  const why = findings.find(({ severity }) => severity === 'fail')?.detail ?? 'the logs are not held';
  return new Problem('evidence.unknown', why, { data: { challenge: unused ? 'unused' : 'used' } });
}

/**
 * What a refused host is told that has not proved itself or is not in the registry: one line. Explanations are an
 * oracle for golden values; the audit has all of them.
 */
function oneLine(findings: readonly Finding[]): Finding[] {
  const failures = findings.filter((finding) => finding.severity === 'fail');
  const revoked = failures.find(({ check }) => check === 'host.revoked');
  const identity =
    revoked ??
    failures.find(({ check }) => check.startsWith('host.') || check.startsWith('ek.') || check.startsWith('identity.'));
  return [
    identity ?? {
      check: failures[0]?.check ?? 'internal',
      severity: 'fail',
      detail: 'refused; the Attestation Service has the details',
    },
  ];
}
