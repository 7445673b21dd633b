import { createHash } from 'node:crypto';
import { base64url } from '@vouchsafe/bytes/base64url';
import { encode } from '@vouchsafe/bytes/codec';
import { hex } from '@vouchsafe/bytes/hex';
import type { AppraisalInput } from '@vouchsafe/domain/attestation/appraisal';
import type { Challenge } from '@vouchsafe/domain/attestation/challenge';
import { decodeEvidence } from '@vouchsafe/domain/attestation/evidence';
import { extraData } from '@vouchsafe/domain/attestation/extra-data';
import { Evidence } from '@vouchsafe/domain/attestation/messages';
import { newChallenge } from '@vouchsafe/domain/attestation/new-challenge';
import { quotedPcrs } from '@vouchsafe/domain/attestation/policy';
import { validator } from '@vouchsafe/domain/parse';
import { decodeImaLog } from '@vouchsafe/eventlog/ima/log';
import { replayIma } from '@vouchsafe/eventlog/ima/replay';
import { decodeLog } from '@vouchsafe/eventlog/log';
import { initialValue, replay, startupLocality } from '@vouchsafe/eventlog/replay';
import { buildLog } from '@vouchsafe/eventlog/testing/build';
import { buildIma, type ImaInput } from '@vouchsafe/eventlog/testing/ima';
import { TpmsAttestFrame, TpmsQuoteInfo, tpmGeneratedValue } from '@vouchsafe/tpm2/attest';
import { decodePublic } from '@vouchsafe/tpm2/public';
import { quoteDigest } from '@vouchsafe/tpm2/quote-digest';
import type { Parts, Pcrs } from './parts.ts';

const readEvidence = validator('evidence', Evidence);

/**
 * What the verifier is given of an attestation in pieces: the first round made, the boot measured, quoted and signed,
 * the evidence sent and read as a service reads it.
 * @throws {Problem} when the service refuses to read it
 */
export function inputOf(parts: Parts): AppraisalInput {
  const { challenge } = newChallenge(parts.request, {
    nonce: parts.nonce,
    secret: parts.secret,
    epoch: parts.policy.epoch,
    exp: parts.now + 60,
    jti: 'catalogue',
  });
  const evidence = decodeEvidence(readEvidence(evidenceOf(parts, challenge)));
  const { policy, host, lastBoot, now, consume } = parts;
  return { challenge, evidence, policy, host, lastBoot, now, consume };
}

/** The evidence as it goes over the wire. */
export function evidenceOf(parts: Parts, challenge: Pick<Challenge, 'nonce' | 'secret'>): Evidence {
  const log = buildLog(parts.events, parts.banks);
  const ima = buildIma(parts.ima.map((entry) => (entry.name === 'boot_aggregate' ? aggregateOf(log) : entry)));
  const pcrs = parts.pcrs(measuredPcrs(log, ima));
  const attest = parts.attest(quoteOver(parts, pcrs, extraData(challenge.nonce, challenge.secret, parts.claims)));
  const { certificate, intermediates } = parts.request.ek;
  const imaLog = parts.imaLog(ima);
  return parts.evidence({
    challenge: 'sealed',
    claims: base64url(parts.claims),
    attest: base64url(attest),
    signature: base64url(parts.signer.sign(attest)),
    ...(certificate === undefined ? {} : { ek_certificate: certificate }),
    ...(intermediates === undefined ? {} : { intermediates }),
    pcrs: Object.fromEntries(quotedPcrs.map((pcr) => [String(pcr), hex(pcrs.get(pcr) ?? new Uint8Array())])),
    event_log: base64url(parts.log(log)),
    ...(imaLog.length === 0 ? {} : { ima_log: base64url(imaLog) }),
  });
}

/**
 * The first entry of every IMA log: the hash of PCR 0 to 9 as IMA found them
 * (Linux, security/integrity/ima/ima_crypto.c, ima_calc_boot_aggregate_tfm).
 */
function aggregateOf(log: Uint8Array): ImaInput {
  const pcrs = measuredPcrs(log, new Uint8Array());
  const hash = createHash('sha256');
  for (let pcr = 0; pcr <= 9; pcr++) hash.update(pcrs.get(pcr) ?? new Uint8Array());
  return { template: 'ima-ng', digest: new Uint8Array(hash.digest()), name: 'boot_aggregate' };
}

/** The values of a TPM that measured this boot and these files. */
export function measuredPcrs(log: Uint8Array, ima: Uint8Array): Pcrs {
  const decoded = decodeLog(log);
  const boot = replay(decoded, 'sha256');
  const locality = startupLocality(decoded);
  const all = Array.from({ length: 24 }, (_, pcr) => pcr);
  const values = new Map(all.map((pcr) => [pcr, boot.get(pcr) ?? initialValue('sha256', pcr, locality)]));
  for (const [pcr, value] of replayIma(decodeImaLog(ima), 'sha256', { initial: values })) values.set(pcr, value);
  return values;
}

function quoteOver({ selection, pcrHash, frame, signer }: Parts, pcrs: Pcrs, data: Uint8Array): Uint8Array {
  const pcrSelect = [...selection];
  const quote: TpmsQuoteInfo = {
    pcrSelect,
    pcrDigest: quoteDigest(pcrSelect, { sha256: pcrs, sha1: sha1Of(pcrs) }, pcrHash),
  };
  return encode(TpmsAttestFrame, {
    magic: tpmGeneratedValue,
    type: 0x8018,
    qualifiedSigner: qualifiedSigner(signer.publicArea),
    extraData: data,
    clockInfo: { clock: 3_600_000n, resetCount: 7, restartCount: 0, safe: true },
    firmwareVersion: 0x0007_0002_0000_0001n,
    attested: encode(TpmsQuoteInfo, quote),
    ...frame,
  });
}

/** A SHA-1 bank beside it, of which only the lengths matter. */
const sha1Of = (pcrs: Pcrs): Pcrs => new Map([...pcrs].map(([pcr, value]) => [pcr, value.subarray(0, 20)]));

/** TPM 2.0 Part 1, 16: the Name of the AK under the endorsement hierarchy; only its form matters here. */
const qualifiedSigner = (publicArea: Uint8Array): Uint8Array =>
  new Uint8Array(34).fill(decodePublic(publicArea).nameAlg === 'sha256' ? 0x0b : 0x0c);
