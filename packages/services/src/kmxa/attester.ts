import { readFileSync } from 'node:fs';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import type { AgentClaims } from '@vouchsafe/domain/attestation/claims';
import { extraData } from '@vouchsafe/domain/attestation/extra-data';
import {
  ChallengeAnswer,
  type ChallengeRequest,
  type Evidence,
  ReportAnswer,
} from '@vouchsafe/domain/attestation/messages';
import { type EcPair, jwkOf, newPair } from '@vouchsafe/domain/keys/jwk';
import { validator } from '@vouchsafe/domain/parse';
import { Problem } from '@vouchsafe/domain/problem';
import { activateCredential } from '@vouchsafe/tpm2/commands/activate-credential';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { quote } from '@vouchsafe/tpm2/commands/quote';
import type { Tpm } from '@vouchsafe/tpm2/tpm';
import type { AgentConfig } from '../config/host.ts';
import { HttpClient } from '../http/client.ts';
import type { ServiceRecord } from './configuration.ts';
import { openTpm } from './host-tpm.ts';
import { openIdentity, type TpmIdentity } from './tpm-identity.ts';

/** A positive attestation: the token and the two keys that it is bound to. They are new for every token. */
export interface Session {
  readonly token: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly image: string;
  readonly host: string;
  readonly signing: EcPair;
  readonly encryption: EcPair;
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
  const client = new HttpClient({ url: service.address, ca: service.trusted_CA }, { timeout: 60_000 });
  try {
    await using tpm = await openTpm(input.agent.tpm);
    await using identity = await openIdentity(tpm);
    const keys = { signing: newPair(), encryption: newPair() };
    const challenge = readChallenge(
      (await client.call('POST', '/attestation/challenge', challengeRequest(identity))).body,
    );
    const evidence = await makeEvidence(tpm, identity, challenge, keys, input);
    const report = readReport((await client.call('POST', '/attestation/report', evidence)).body);
    return { service: service.address, session: sessionOf(report, keys), findings: report.findings };
  } finally {
    await client.close();
  }
}

function challengeRequest({ ek, ak, certificate, intermediates }: TpmIdentity): ChallengeRequest {
  return {
    ek: {
      public: base64url(ek.publicArea),
      ...(certificate === undefined ? {} : { certificate: base64url(certificate) }),
      intermediates: intermediates.map(base64url),
    },
    ak: base64url(ak.publicArea),
    banks: ['sha256'],
  };
}

type Keys = Pick<Session, 'signing' | 'encryption'>;

async function makeEvidence(
  tpm: Tpm,
  identity: TpmIdentity,
  challenge: ChallengeAnswer,
  keys: Keys,
  { agent, group, version }: AttesterInput,
): Promise<Evidence> {
  const content: AgentClaims = {
    sig: jwkOf(keys.signing.publicKey),
    enc: jwkOf(keys.encryption.publicKey),
    group,
    agent: version,
  };
  const claims = Buffer.from(JSON.stringify(content));
  const credential = {
    credentialBlob: fromBase64url(challenge.credential_blob),
    encryptedSecret: fromBase64url(challenge.encrypted_secret),
  };
  using secret = await activateCredential(tpm, identity.ak, identity.ek, credential);
  const qualifyingData = secret.use((bytes) => extraData(fromBase64url(challenge.nonce), bytes, claims));
  const { pcrs, signed } = await quotedPcrs(tpm, identity, challenge, qualifyingData);
  const ima = readLog(agent.ima_log, 'ima_log', 'optional');
  return {
    challenge: challenge.challenge,
    claims: base64url(claims),
    attest: base64url(signed.attest),
    signature: base64url(signed.signature),
    ...(identity.certificate === undefined ? {} : { ek_certificate: base64url(identity.certificate) }),
    intermediates: identity.intermediates.map(base64url),
    pcrs: Object.fromEntries([...pcrs].map(([pcr, value]) => [String(pcr), hex(value)])),
    event_log: base64url(readLog(agent.event_log, 'event_log', 'needed')),
    ...(ima.length === 0 ? {} : { ima_log: base64url(ima) }),
  };
}

/** Reads the PCRs around the quote; IMA may extend PCR 10 in between, so the reading is repeated until it stands still. */
async function quotedPcrs(tpm: Tpm, { ak }: TpmIdentity, { bank, pcrs }: ChallengeAnswer, qualifyingData: Uint8Array) {
  for (let tries = 0; tries < 8; tries++) {
    const before = await pcrRead(tpm, bank, pcrs);
    const signed = await quote(tpm, ak, qualifyingData, [{ hash: bank, pcrSelect: [...pcrs] }]);
    const after = await pcrRead(tpm, bank, pcrs);
    if ([...before].every(([pcr, value]) => hex(value) === hex(after.get(pcr) ?? new Uint8Array()))) {
      return { pcrs: after, signed };
    }
  }
  throw new Problem('tpm.unavailable', 'the PCRs change faster than they can be quoted');
}

function readLog(path: string, field: string, need: 'needed' | 'optional'): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (need === 'optional') return new Uint8Array();
    throw new Problem(
      'host.unsupported',
      `${field}: ${(cause as Error).message}; \`vouchsafe host check\` tells what is missing`,
      { cause },
    );
  }
}

function sessionOf({ attested, token, expires, image, host }: ReportAnswer, keys: Keys): Session | undefined {
  if (!attested || token === undefined || expires === undefined) return undefined;
  return { token, expires, image: image ?? '', host: host ?? '', ...keys };
}
