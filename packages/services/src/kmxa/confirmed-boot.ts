import { CaptureAnswer, ChallengeAnswer, challengeHeader, type Evidence } from '@vouchsafe/domain/attestation/messages';
import { groupOf } from '@vouchsafe/domain/group/group';
import { newPair } from '@vouchsafe/domain/keys/jwk';
import { validator } from '@vouchsafe/domain/parse';
import { HttpClient } from '../http/client.ts';
import { activeBanks } from './active-banks.ts';
import type { AttesterInput } from './attester.ts';
import type { ServiceRecord } from './configuration.ts';
import { challengeRequest, makeEvidence } from './evidence.ts';
import { openTpm } from './host-tpm.ts';
import { openIdentity } from './tpm-identity.ts';

/** The evidence of this boot, and an Attestation Service's word that it saw and checked it. */
export interface ConfirmedBoot {
  readonly evidence: Evidence;
  readonly statement: string;
  /** Address of the service. */
  readonly service: string;
}

const readChallenge = validator('challenge answer', ChallengeAnswer);
const readAnswer = validator('capture answer', CaptureAnswer);

/**
 * Has a service confirm this boot, in the two rounds of an attestation; no token comes of it.
 * @throws {Problem} `tpm.unavailable`, `service.unreachable`, `attestation.refused`, or what the service says
 */
export async function confirmBoot(service: ServiceRecord, input: AttesterInput): Promise<ConfirmedBoot> {
  groupOf(service.trusted_CA, input.group);
  const client = new HttpClient({ url: service.address, ca: service.trusted_CA }, { timeout: 60_000 });
  try {
    await using tpm = await openTpm(input.agent.tpm);
    await using identity = await openIdentity(tpm, input.agent.ek);
    const keys = { signing: newPair(), encryption: newPair() };
    const begun = await client.call(
      'POST',
      '/attestation/challenge',
      challengeRequest(identity, await activeBanks(tpm)),
    );
    const challenge = readChallenge(begun.body);
    const evidence = await makeEvidence(tpm, identity, challenge, keys, input);
    const headers = { [challengeHeader]: challenge.challenge };
    const { body } = await client.call('POST', '/attestation/capture', evidence, headers);
    return { evidence, statement: readAnswer(body).statement, service: service.address };
  } finally {
    await client.close();
  }
}
