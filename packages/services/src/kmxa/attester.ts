import { ChallengeAnswer, challengeHeader, type Evidence, ReportAnswer } from '@vouchsafe/domain/attestation/messages';
import { verifyAssertion } from '@vouchsafe/domain/attestation/saml/verify-assertion';
import { type TokenClaims, verifyToken } from '@vouchsafe/domain/attestation/token';
import { type Group, groupOf } from '@vouchsafe/domain/group/group';
import { jwkOf, newPair, thumbprint } from '@vouchsafe/domain/keys/jwk';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { Tpm } from '@vouchsafe/tpm2/tpm';
import type { AgentConfig } from '../config/host.ts';
import { HttpClient } from '../http/client.ts';
import { activeBanks } from './active-banks.ts';
import type { ServiceRecord } from './configuration.ts';
import type { EkChoice } from './ek-choice.ts';
import { challengeRequest, makeEvidence, type SessionKeys } from './evidence.ts';
import { openTpm } from './host-tpm.ts';
import { type Held, referTo } from './refer.ts';
import { whileBusy } from './retry-after.ts';
import { openIdentity, type TpmIdentity } from './tpm-identity.ts';

/** A positive attestation: the token and the two keys that it is bound to. They are new for every token. */
export interface Session extends SessionKeys {
  readonly token: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly image: string;
  readonly host: string;
  /** SAML assertion with the same facts, when it was asked for. */
  readonly saml?: string;
}

/** The outcome of an attestation: a session, or why not. */
export interface Attestation {
  readonly service: string;
  readonly session: Session | undefined;
  readonly findings: ReportAnswer['findings'];
  /** What the service holds of this boot. */
  readonly held: Held | undefined;
  /** Seconds after which the service wants to see this host again. */
  readonly next: number | undefined;
}

export interface AttesterInput {
  readonly agent: AgentConfig;
  readonly group: string;
  readonly version: string;
  /** Documents to ask for beside the token. */
  readonly documents?: readonly 'saml2'[];
}

/** A service to which a whole site comes back takes its time for each. */
export const patienceOfAgents = { timeout: 60_000, connectTimeout: 15_000 } as const;

const readChallenge = validator('challenge answer', ChallengeAnswer);
const readReport = validator('report answer', ReportAnswer);

/**
 * One attestation with one service, both rounds.
 * @param held what the service said before that it holds of this boot
 * @param ek another endorsement key than the configured one
 * @throws {Problem} `tpm.unavailable`, `service.unreachable`, or what the service says
 */
export async function attest(
  service: ServiceRecord,
  input: AttesterInput,
  held?: Held,
  ek: EkChoice = input.agent.ek,
): Promise<Attestation> {
  const group = groupOf(service.trusted_CA, input.group);
  const client = new HttpClient({ url: service.address, ca: service.trusted_CA }, patienceOfAgents);
  try {
    await using tpm = await openTpm(input.agent.tpm);
    await using identity = await openIdentity(tpm, ek);
    const keys = { signing: newPair(), encryption: newPair(), migration: newPair() };
    const report = await bothRounds({ client, tpm, identity, keys, input }, held);
    return {
      service: service.address,
      session: await sessionOf(report, keys, group),
      findings: report.findings,
      held: report.held,
      next: report.next_attestation,
    };
  } finally {
    await client.close();
  }
}

/** Seconds that evidence may wait for a service that is busy; a challenge lives longer. */
const reportPatience = 40;

interface Rounds {
  readonly client: HttpClient;
  readonly tpm: Tpm;
  readonly identity: TpmIdentity;
  readonly keys: SessionKeys;
  readonly input: AttesterInput;
}

/** Evidence refers to logs once; where the service does not hold them they are sent, in the same rounds if it can be. */
async function bothRounds(rounds: Rounds, held: Held | undefined): Promise<ReportAnswer> {
  const { client, tpm, identity, keys, input } = rounds;
  const challenge = readChallenge(
    (await client.call('POST', '/attestation/challenge', challengeRequest(identity, await activeBanks(tpm)))).body,
  );
  const { documents } = input;
  const made = await makeEvidence(tpm, identity, challenge, keys, input);
  const whole: typeof made = documents === undefined ? made : { ...made, documents: ['jwt', ...documents] };
  // What the TPM took a second for is worth waiting with: a busy service does not use the challenge up.
  const send = (evidence: Evidence) =>
    whileBusy(reportPatience, async () =>
      readReport(
        (await client.call('POST', '/attestation/report', evidence, { [challengeHeader]: challenge.challenge })).body,
      ),
    );
  if (held === undefined) return await send(whole);
  try {
    return await send(referTo(held, whole));
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== 'evidence.unknown') throw error;
    return error.data.challenge === 'unused' ? await send(whole) : await bothRounds(rounds, undefined);
  }
}

/**
 * The session of a positive answer. Whoever answers behind TLS could say "attested", and a host that believed it would
 * start VMs from its cache: only a token of the pinned group, bound to our keys, is believed.
 */
async function sessionOf(
  { attested, token, saml }: ReportAnswer,
  keys: SessionKeys,
  group: Group,
): Promise<Session | undefined> {
  if (!attested || token === undefined) return undefined;
  const now = Math.floor(Date.now() / 1000);
  const claims = await verifyToken(token, group, now);
  if (claims.cnf.jkt !== thumbprint(jwkOf(keys.signing.publicKey))) {
    throw new Problem('service.untrusted', 'the token is bound to another key than this host asked for');
  }
  const assertion = saml === undefined ? {} : { saml: await believed(saml, claims, group, now) };
  return { token, expires: claims.exp, image: claims.img, host: claims.host, ...keys, ...assertion };
}

/** An assertion of the pinned group for the same key as the token. @throws {Problem} `token.invalid`, `service.untrusted` */
async function believed(saml: string, { cnf, sub }: TokenClaims, group: Group, now: number): Promise<string> {
  const { holder, subject } = await verifyAssertion(saml, group, now);
  if (thumbprint(holder) !== cnf.jkt || subject !== sub)
    throw new Problem('service.untrusted', 'the SAML assertion is of another host or key than the token');
  return saml;
}
