import { readFileSync } from 'node:fs';
import { base64url, fromBase64url } from '@vouchsafe/bytes/base64url';
import { hex } from '@vouchsafe/bytes/hex';
import type { AgentClaims } from '@vouchsafe/domain/attestation/claims';
import { extraData } from '@vouchsafe/domain/attestation/extra-data';
import type {
  ChallengeAnswer,
  ChallengeRequest,
  OtherBank,
  WholeEvidence,
} from '@vouchsafe/domain/attestation/messages';
import { maxCommandLine } from '@vouchsafe/domain/attestation/messages';
import { banksInHex } from '@vouchsafe/domain/attestation/pcr-values';
import { firmwarePcrs } from '@vouchsafe/domain/attestation/policy';
import { type EcPair, jwkOf } from '@vouchsafe/domain/keys/jwk';
import { migrationClaim, spkiOfKey } from '@vouchsafe/domain/keys/migration';
import { Problem } from '@vouchsafe/domain/problem';
import { activateCredential } from '@vouchsafe/tpm2/commands/activate-credential';
import { pcrRead } from '@vouchsafe/tpm2/commands/pcr-read';
import { quote } from '@vouchsafe/tpm2/commands/quote';
import type { TpmsPcrSelection } from '@vouchsafe/tpm2/pcr-selection';
import type { Tpm } from '@vouchsafe/tpm2/tpm';
import type { AgentConfig } from '../config/host.ts';
import type { TpmIdentity } from './tpm-identity.ts';

/** The two keys of a session: one proves possession of the token, released keys are sealed to the other. */
export interface SessionKeys {
  readonly signing: EcPair;
  readonly encryption: EcPair;
  /** Key for live migrations; a certificate for it is given to this host alone. */
  readonly migration?: EcPair;
}

export interface EvidenceInput {
  /** Where the logs are. */
  readonly agent: Pick<AgentConfig, 'event_log' | 'ima_log'> & Partial<Pick<AgentConfig, 'command_line'>>;
  /** The pinned group. */
  readonly group: string;
  /** Name and version of the agent. */
  readonly version: string;
}

/**
 * First round: the keys of the TPM, public halves and certificates.
 * @param banks those that the TPM has, see `activeBanks`
 */
export function challengeRequest(
  { ek, ak, certificate, intermediates }: TpmIdentity,
  banks: readonly string[] = ['sha256'],
): ChallengeRequest {
  return {
    ek: {
      public: base64url(ek.publicArea),
      ...(certificate === undefined ? {} : { certificate: base64url(certificate) }),
      intermediates: intermediates.map(base64url),
    },
    ak: base64url(ak.publicArea),
    banks: [...banks],
  };
}

/**
 * Second round: learns the secret from the TPM, and has it quote the boot over secret, nonce and the keys of the session.
 * @throws {Problem} `tpm.unavailable`, `host.unsupported` when a log cannot be read
 */
export async function makeEvidence(
  tpm: Tpm,
  identity: TpmIdentity,
  challenge: ChallengeAnswer,
  keys: SessionKeys,
  { agent, group, version }: EvidenceInput,
): Promise<WholeEvidence> {
  const content: AgentClaims = {
    sig: jwkOf(keys.signing.publicKey),
    enc: jwkOf(keys.encryption.publicKey),
    ...(keys.migration === undefined ? {} : { mig: migrationClaim(spkiOfKey(keys.migration.publicKey)) }),
    group,
    agent: version,
    ...bootId(),
  };
  const claims = Buffer.from(JSON.stringify(content));
  const credential = {
    credentialBlob: fromBase64url(challenge.credential_blob),
    encryptedSecret: fromBase64url(challenge.encrypted_secret),
  };
  using secret = await activateCredential(tpm, identity.ak, identity.ek, credential);
  const qualifyingData = secret.use((bytes) => extraData(fromBase64url(challenge.nonce), bytes, claims));
  const { pcrs, banks, signed } = await quotedPcrs(tpm, identity, challenge, qualifyingData);
  const ima = readLog(agent.ima_log, 'ima_log', 'optional');
  const commandLine = agent.command_line === undefined ? undefined : readCommandLine(agent.command_line);
  return {
    challenge: challenge.challenge,
    claims: base64url(claims),
    attest: base64url(signed.attest),
    signature: base64url(signed.signature),
    ...(identity.certificate === undefined ? {} : { ek_certificate: base64url(identity.certificate) }),
    intermediates: identity.intermediates.map(base64url),
    pcrs: Object.fromEntries([...pcrs].map(([pcr, value]) => [String(pcr), hex(value)])),
    ...(banks.size === 0 ? {} : { banks: banksInHex(banks) }),
    event_log: base64url(readLog(agent.event_log, 'event_log', 'needed')),
    ...(ima.length === 0 ? {} : { ima_log: base64url(ima) }),
    ...(commandLine === undefined ? {} : { command_line: commandLine }),
  };
}

/** Reads the PCRs around the quote; IMA may extend PCR 10 in between, so the reading is repeated until it stands still. */
async function quotedPcrs(tpm: Tpm, { ak }: TpmIdentity, challenge: ChallengeAnswer, qualifyingData: Uint8Array) {
  const { bank, pcrs, banks: others = [] } = challenge;
  const selection: TpmsPcrSelection[] = [
    { hash: bank, pcrSelect: [...pcrs] },
    ...others.map((hash) => ({ hash, pcrSelect: [...firmwarePcrs] })),
  ];
  for (let tries = 0; tries < 8; tries++) {
    const before = await pcrRead(tpm, bank, pcrs);
    const banks = await readBanks(tpm, others);
    const signed = await quote(tpm, ak, qualifyingData, selection);
    const after = await pcrRead(tpm, bank, pcrs);
    if ([...before].every(([pcr, value]) => hex(value) === hex(after.get(pcr) ?? new Uint8Array()))) {
      return { pcrs: after, banks, signed };
    }
  }
  throw new Problem('tpm.unavailable', 'the PCRs change faster than they can be quoted');
}

/** What the firmware measured is not extended any more, so it is read once. */
async function readBanks(tpm: Tpm, banks: readonly OtherBank[]): Promise<Map<OtherBank, Map<number, Uint8Array>>> {
  const values = new Map<OtherBank, Map<number, Uint8Array>>();
  for (const bank of banks) values.set(bank, await pcrRead(tpm, bank, firmwarePcrs));
  return values;
}

/** The kernel's name for its boot; without it the agent says nothing of it. */
function bootId(): Pick<AgentClaims, 'boot_id'> {
  const boot_id = readLog('/proc/sys/kernel/random/boot_id', 'boot_id', 'optional');
  return boot_id.length === 0 ? {} : { boot_id: Buffer.from(boot_id).toString('latin1').trim() };
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

/** What the kernel was started with; undefined when it cannot be read, or is longer than the service takes. */
export function readCommandLine(path: string): string | undefined {
  const text = new TextDecoder().decode(readLog(path, 'command_line', 'optional')).replace(/\n$/, '');
  return text === '' || text.length > maxCommandLine ? undefined : text;
}
