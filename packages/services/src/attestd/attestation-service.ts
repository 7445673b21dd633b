import { createSecretKey, type KeyObject, randomBytes, randomUUID, type X509Certificate } from 'node:crypto';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { type Appraised, appraise, type BootRecord } from '@vouchsafe/domain/attestation/appraisal';
import { openChallenge, sealChallenge } from '@vouchsafe/domain/attestation/challenge';
import { bootRecordOf } from '@vouchsafe/domain/attestation/checks/clock';
import { attestationChecks } from '@vouchsafe/domain/attestation/checks/table';
import { ekHash } from '@vouchsafe/domain/attestation/ek';
import { decodeEvidence } from '@vouchsafe/domain/attestation/evidence';
import type { HostRecord } from '@vouchsafe/domain/attestation/host-record';
import type { ChallengeAnswer, ChallengeRequest, Evidence, ReportAnswer } from '@vouchsafe/domain/attestation/messages';
import { quotedPcrs } from '@vouchsafe/domain/attestation/policy';
import { signToken } from '@vouchsafe/domain/attestation/token';
import { tokenClaims } from '@vouchsafe/domain/attestation/token-claims';
import type { Finding } from '@vouchsafe/domain/attestation/verdict';
import type { AuditEntry } from '@vouchsafe/domain/audit/record';
import type { Group } from '@vouchsafe/domain/group/group';
import { Problem } from '@vouchsafe/domain/problem';
import { makeCredential } from '@vouchsafe/tpm2/make-credential';
import { nameOf } from '@vouchsafe/tpm2/name';
import type { AttestationConfiguration } from './configuration.ts';

/** Seconds that a host has to answer: TPMs may need several for one quote. */
const challengeLifetime = 60;

/** What signs tokens: this instance's own key and the group CA's certificate for it. */
export interface TokenSigner {
  readonly key: KeyObject;
  readonly certificate: X509Certificate;
}

export interface AttestationServiceInput {
  /** Name of the instance, for the token's `iss`. */
  readonly instance: string;
  readonly group: Group;
  readonly configuration: AttestationConfiguration;
  readonly signer: () => TokenSigner;
  readonly boots: { get(ek: string): BootRecord | undefined; put(ek: string, boot: BootRecord): void };
  readonly audit: (entry: AuditEntry) => void;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** The two rounds of an attestation (RFC 9334, passport model). It keeps nothing for challenges that are under way. */
export class AttestationService {
  readonly #input: AttestationServiceInput;
  /** Lives as long as the process, so no other instance and no later start accepts our challenges. */
  readonly #key = createSecretKey(randomBytes(32));
  readonly #used = new Map<string, number>();

  constructor(input: AttestationServiceInput) {
    this.#input = input;
  }

  /** First round: a challenge that only the TPM of this EK can answer. @throws {Problem} `input.invalid` */
  async begin(request: ChallengeRequest): Promise<ChallengeAnswer> {
    if (!request.banks.includes('sha256')) throw new Problem('input.invalid', 'banks: expected sha256 among them');
    const [ekPublic, ak] = [octets('ek.public', request.ek.public), octets('ak', request.ak)];
    const [nonce, secret] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
    const { credentialBlob, encryptedSecret, ek } = credentialFor(ekPublic, ak, secret);
    const exp = this.#input.now() + challengeLifetime;
    const pcrs = [...quotedPcrs];
    const { epoch } = this.#input.configuration.policy(this.#input.group);
    const content = { nonce, secret, ek, ekPublic, ak, bank: 'sha256', pcrs, epoch, exp, jti: randomUUID() } as const;
    const challenge = await sealChallenge(this.#key, content);
    return {
      challenge,
      nonce: base64url(nonce),
      credential_blob: base64url(credentialBlob),
      encrypted_secret: base64url(encryptedSecret),
      bank: 'sha256',
      pcrs,
      expires: exp,
    };
  }

  /**
   * Second round: appraises the evidence. A refusal is an answer, not an error.
   * @throws {Problem} `challenge.elsewhere`, `challenge.expired`, `input.malformed`
   */
  async report(request: Evidence): Promise<ReportAnswer> {
    const { now, configuration, group, boots } = this.#input;
    const challenge = await openChallenge(this.#key, request.challenge, now());
    const policy = configuration.policy(group);
    const host = configuration.host(challenge.ek) ?? this.#onFirstContact(challenge.ek, policy.settings.enrolment);
    const evidence = decodeEvidence(request);
    const lastBoot = boots.get(challenge.ek);
    const consume = (jti: string) => this.#consume(jti, challenge.exp);
    const input = { challenge, evidence, policy, host, lastBoot, now: now(), consume };
    return await this.#answer(appraise(input, attestationChecks));
  }

  async #answer(appraised: Appraised): Promise<ReportAnswer> {
    const { trusted, findings, appraisal } = appraised;
    const { ek, ak } = appraisal.input.challenge;
    if (!trusted) return this.#refuse(appraised);
    const { signer, instance, now, boots, audit, configuration } = this.#input;
    const { key, certificate } = signer();
    const claims = tokenClaims(appraisal, { instance, now: now(), jti: randomUUID() });
    const token = await signToken(key, certificate, claims);
    if (configuration.host(ek) === undefined) configuration.putHost(appraisal.get('host'));
    boots.put(ek, bootRecordOf(ak, appraisal.get('attest').clockInfo));
    const detail = { host: claims.host, scope: claims.scope, image: claims.img, token: claims.jti, exp: claims.exp };
    audit({
      action: 'host.attest',
      actor: { kind: 'host', id: ek },
      target: { kind: 'token', id: claims.jti },
      outcome: 'success',
      detail,
    });
    const warnings = findings.filter((finding) => finding.severity !== 'info');
    return { attested: true, token, expires: claims.exp, image: claims.img, host: claims.host, findings: warnings };
  }

  #refuse({ findings, appraisal }: Appraised): ReportAnswer {
    const { challenge, host } = appraisal.input;
    const { ek } = challenge;
    // Only a TPM that proved its EK may wait for approval, so nobody can fill the list with made-up keys.
    const genuine = appraisal.has('claims') && appraisal.has('tpm');
    if (genuine && host === undefined) this.#addPending(appraisal);
    const detail = { findings, host: host?.name };
    const problem = 'attestation.refused';
    this.#input.audit({
      action: 'host.refuse',
      actor: { kind: 'host', id: ek },
      target: { kind: 'host', id: host?.name ?? ek },
      outcome: 'failure',
      problem,
      detail,
    });
    return { attested: false, findings: disclosed(findings, appraisal) };
  }

  #addPending(appraisal: Appraised['appraisal']): void {
    const { challenge, now } = appraisal.input;
    const image = appraisal.has('image') ? appraisal.get('image').name : undefined;
    const since = new Date(now * 1000).toISOString();
    const added = this.#input.configuration.addPending({ ek: challenge.ek, tpm: appraisal.get('tpm'), image, since });
    if (!added) return;
    this.#input.audit({
      action: 'host.pending',
      actor: { kind: 'host', id: challenge.ek },
      target: { kind: 'registry', id: 'hosts' },
      outcome: 'success',
      detail: { image },
    });
  }

  /** With enrolment `auto` the first valid attestation approves an EK; the token says so. */
  #onFirstContact(ek: string, enrolment: 'approve' | 'auto'): HostRecord | undefined {
    if (enrolment !== 'auto') return undefined;
    const since = new Date(this.#input.now() * 1000).toISOString();
    const name = `ek-${ek.slice(0, 16)}`;
    return {
      ek,
      name,
      scope: 'default',
      state: 'approved',
      tpm: 'hardware',
      enrolled: 'auto',
      by: 'first contact',
      since,
    };
  }

  /** Enters a challenge; no `await` stands between test and entry, so of two racers one passes. */
  #consume(jti: string, exp: number): boolean {
    const now = this.#input.now();
    for (const [old, until] of this.#used) {
      if (until >= now) break;
      this.#used.delete(old);
    }
    if (this.#used.has(jti)) return false;
    this.#used.set(jti, exp);
    return true;
  }
}

/**
 * What a refused host is told. Explanations are an oracle for golden values, so only a host that proved itself and is
 * in the registry gets them; anybody else gets one line. The audit has all of it.
 */
function disclosed(findings: readonly Finding[], { input }: Appraised['appraisal']): Finding[] {
  const known = input.host !== undefined && input.host.state === 'approved';
  const failures = findings.filter((finding) => finding.severity === 'fail');
  if (known) return [...findings];
  const identity = failures.find(
    ({ check }) => check.startsWith('host.') || check.startsWith('ek.') || check.startsWith('identity.'),
  );
  return [
    identity ?? {
      check: failures[0]?.check ?? 'internal',
      severity: 'fail',
      detail: 'refused; the Attestation Service has the details',
    },
  ];
}

function credentialFor(ekPublic: Uint8Array, ak: Uint8Array, secret: Uint8Array) {
  try {
    // The Name is computed here from the AK's public area, never taken from the request.
    return { ...makeCredential(ekPublic, nameOf(ak), secret), ek: ekHash(ekPublic) };
  } catch (cause) {
    throw new Problem('input.invalid', `ek or ak: ${(cause as Error).message}`, { cause });
  }
}

function octets(field: string, text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw new Problem('input.malformed', `${field}: ${(cause as Error).message}`, { cause });
  }
}
