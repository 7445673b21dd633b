import { ChallengeAnswer, challengeHeader, ReportAnswer } from '@vouchsafe/domain/attestation/messages';
import { verifyToken } from '@vouchsafe/domain/attestation/token';
import { type Group, groupOf } from '@vouchsafe/domain/group/group';
import { jwkOf, newPair, thumbprint } from '@vouchsafe/domain/keys/jwk';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import type { AgentConfig } from '../config/host.ts';
import { HttpClient } from '../http/client.ts';
import type { ServiceRecord } from './configuration.ts';
import { challengeRequest, makeEvidence, type SessionKeys } from './evidence.ts';
import { openTpm } from './host-tpm.ts';
import { openIdentity } from './tpm-identity.ts';

/** A positive attestation: the token and the two keys that it is bound to. They are new for every token. */
export interface Session extends SessionKeys {
  readonly token: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly image: string;
  readonly host: string;
}

/** The outcome of an attestation: a session, or why not. */
export interface Attestation {
  readonly service: string;
  readonly session: Session | undefined;
  readonly findings: ReportAnswer['findings'];
}

export interface AttesterInput {
  readonly agent: AgentConfig;
  readonly group: string;
  readonly version: string;
}

const readChallenge = validator('challenge answer', ChallengeAnswer);
const readReport = validator('report answer', ReportAnswer);

/**
 * One attestation with one service, both rounds.
 * @throws {Problem} `tpm.unavailable`, `service.unreachable`, or what the service says
 */
export async function attest(service: ServiceRecord, input: AttesterInput): Promise<Attestation> {
  const group = groupOf(service.trusted_CA, input.group);
  const client = new HttpClient({ url: service.address, ca: service.trusted_CA }, { timeout: 60_000 });
  try {
    await using tpm = await openTpm(input.agent.tpm);
    await using identity = await openIdentity(tpm);
    const keys = { signing: newPair(), encryption: newPair() };
    const challenge = readChallenge(
      (await client.call('POST', '/attestation/challenge', challengeRequest(identity))).body,
    );
    const evidence = await makeEvidence(tpm, identity, challenge, keys, input);
    const report = readReport(
      (await client.call('POST', '/attestation/report', evidence, { [challengeHeader]: challenge.challenge })).body,
    );
    return { service: service.address, session: await sessionOf(report, keys, group), findings: report.findings };
  } finally {
    await client.close();
  }
}

/**
 * The session of a positive answer. Whoever answers behind TLS could say "attested", and a host that believed it would
 * start VMs from its cache: only a token of the pinned group, bound to our keys, is believed.
 */
async function sessionOf(
  { attested, token }: ReportAnswer,
  keys: SessionKeys,
  group: Group,
): Promise<Session | undefined> {
  if (!attested || token === undefined) return undefined;
  const claims = await verifyToken(token, group, Math.floor(Date.now() / 1000));
  if (claims.cnf.jkt !== thumbprint(jwkOf(keys.signing.publicKey))) {
    throw new Problem('service.untrusted', 'the token is bound to another key than this host asked for');
  }
  return { token, expires: claims.exp, image: claims.img, host: claims.host, ...keys };
}
